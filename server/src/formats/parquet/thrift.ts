/** @file Thrift's compact protocol, in which Parquet writes its footer and page headers: any struct as a map of its fields. */

import { FormatError } from "../modelFile";

export type ThriftValue = boolean | number | Uint8Array | readonly ThriftValue[] | ThriftStruct;
/** Values by field number. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Structs within structs; Parquet's own go to 6. */
const deepest = 32;
/** Values of one struct with all that it contains: a footer of 60 row groups of 1,000 columns has about half as many. */
const mostValues = 5e6;
/** A 64-bit number takes ten groups of seven bits. */
const longestNumber = 10;

export class ThriftReader {
  #left = mostValues;

  /** @param name of the file, for messages */
  constructor(private readonly bytes: Uint8Array, public offset: number, private readonly name: string) {}

  /** @throws FormatError when the bytes are no struct */
  struct(depth = 0): ThriftStruct {
    if (depth > deepest) throw this.#damaged();
    const fields = new Map<number, ThriftValue>();
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return fields;
      const step = head >> 4;
      id = step === 0 ? this.#integer() : id + step;
      fields.set(id, type <= 2 ? type === 1 : this.#value(type, depth));
    }
  }

  #value(type: number, depth: number): ThriftValue {
    this.#left -= 1;
    if (this.#left < 0) throw this.#damaged();
    switch (type) {
      case 1: case 2: return this.#byte() === 1;
      case 3: return (this.#byte() << 24) >> 24;
      case 4: case 5: case 6: return this.#integer();
      case 7: {
        const at = this.#skip(8);
        return new DataView(this.bytes.buffer, this.bytes.byteOffset + at, 8).getFloat64(0, true);
      }
      case 8: {
        const length = this.#unsigned();
        const at = this.#skip(length);
        return this.bytes.subarray(at, at + length);
      }
      case 9: case 10: return this.#list(depth);
      case 12: return this.struct(depth + 1);
      default: throw this.#damaged();
    }
  }

  #list(depth: number): ThriftValue[] {
    if (depth > deepest) throw this.#damaged();
    const head = this.#byte();
    const count = head >> 4 === 15 ? this.#unsigned() : head >> 4;
    // every element takes a byte at least
    if (count > this.bytes.length - this.offset) throw this.#damaged();
    const values: ThriftValue[] = [];
    for (let i = 0; i < count; i++) values.push(this.#value(head & 15, depth + 1));
    return values;
  }

  /** Rounded above 2^53, where nothing that is read lies. */
  #unsigned(): number {
    let value = 0;
    for (let group = 0; group < longestNumber; group++) {
      const byte = this.#byte();
      value += (byte & 127) * 128 ** group;
      if (byte < 128) return value;
    }
    throw this.#damaged();
  }

  #integer(): number {
    const value = this.#unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #byte(): number {
    return this.bytes[this.#skip(1)]!;
  }

  /** Where the next `length` bytes begin. */
  #skip(length: number): number {
    const at = this.offset;
    if (length > this.bytes.length - at) throw this.#damaged();
    this.offset += length;
    return at;
  }

  #damaged(): FormatError {
    return new FormatError(`${this.name}: the description of its contents near byte ${this.offset} cannot be read; the file is damaged, copy or write it again.`);
  }
}

/** A whole number of a struct, `fallback` when it is absent or something else. */
export function numberOf(struct: ThriftStruct, field: number, fallback: number): number {
  const value = struct.get(field);
  return typeof value === "number" ? value : fallback;
}

/** A struct within a struct, null when it is absent or something else. */
export function structOf(struct: ThriftStruct, field: number): ThriftStruct | null {
  const value = struct.get(field);
  return value instanceof Map ? value : null;
}

export function structsOf(struct: ThriftStruct, field: number): ThriftStruct[] {
  const value = struct.get(field);
  return Array.isArray(value) ? value.filter((each): each is ThriftStruct => each instanceof Map) : [];
}

export function textOf(struct: ThriftStruct, field: number): string {
  const value = struct.get(field);
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : "";
}
