/** @file Parquet's plain encoding: values one after the other, little-endian. */

import { FormatError, type DType } from "../modelFile";
import { decodeElements, elementSize } from "../tensors/elements";
import type { PhysicalType } from "./footer";

/** 64-bit integers are rounded to float64; texts are those of byte arrays. */
export type PageValues = Int32Array | Float32Array | Float64Array | readonly string[];

const elements: Partial<Record<PhysicalType, DType>> = { INT32: "int32", FLOAT: "float32", INT64: "int64", DOUBLE: "float64" };

/** @throws FormatError when there are fewer than `count`, or of a type that is not read */
export function readPlain(bytes: Uint8Array, type: PhysicalType, count: number, where: string): PageValues {
  if (type === "BYTE_ARRAY") return readTexts(bytes, count, where);
  if (type === "BOOLEAN") return readBits(bytes, count, where);
  const dtype = elementOf(type, where);
  const size = count * elementSize(dtype);
  if (size > bytes.length) throw tooShort(where);
  return decodeElements(bytes.subarray(0, size), dtype);
}

/**
 * The encoding that writes the first bytes of all values, then the second ones, and so on: the same bytes value by value.
 * @throws FormatError when there are not exactly those of `count` values, or of a type that is not read
 */
export function joinStreams(bytes: Uint8Array, type: PhysicalType, count: number, where: string): Uint8Array {
  const width = elementSize(elementOf(type, where));
  if (bytes.length !== count * width) throw tooShort(where);
  const joined = new Uint8Array(bytes.length);
  for (let stream = 0; stream < width; stream++) {
    for (let i = 0; i < count; i++) joined[i * width + stream] = bytes[stream * count + i]!;
  }
  return joined;
}

function elementOf(type: PhysicalType, where: string): DType {
  const dtype = elements[type];
  if (dtype === undefined) throw new FormatError(`${where} is of the type ${type}, which is not read; write it as numbers.`);
  return dtype;
}

function readBits(bytes: Uint8Array, count: number, where: string): Int32Array {
  if (count > 8 * bytes.length) throw tooShort(where);
  const out = new Int32Array(count);
  for (let i = 0; i < count; i++) out[i] = (bytes[i >> 3]! >> (i & 7)) & 1;
  return out;
}

function readTexts(bytes: Uint8Array, count: number, where: string): string[] {
  if (4 * count > bytes.length) throw tooShort(where);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  const texts: string[] = [];
  for (let at = 0; texts.length < count;) {
    if (bytes.length - at < 4) throw tooShort(where);
    const length = view.getUint32(at, true);
    at += 4;
    if (length > bytes.length - at) throw tooShort(where);
    texts.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return texts;
}

const tooShort = (where: string): FormatError => new FormatError(`${where}: a page ends before its last value; the file is damaged, copy or write it again.`);
