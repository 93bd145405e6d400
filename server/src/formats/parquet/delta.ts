/** @file Parquet's encoding DELTA_BINARY_PACKED: the first integer, then differences in blocks, each less the smallest of its block and in as few bits as hold it. */

import { FormatError } from "../modelFile";

export interface DeltaIntegers {
  /** Int32Array of 32-bit integers; those of 64 bits are rounded to float64. */
  readonly values: Int32Array | Float64Array;
  /** Bytes that they take. */
  readonly end: number;
}

/** A 64-bit number takes ten groups of seven bits. */
const longestNumber = 10;
const mostBlockValues = 2 ** 20;

/**
 * Reads `count` integers. Sums wrap at 2^64, in two halves of 32 bits; a 32-bit integer is the lower half.
 * @throws FormatError when the bytes end before, or hold another number of integers
 */
export function readDelta(bytes: Uint8Array, type: "INT32" | "INT64", count: number, where: string): DeltaIntegers {
  const reader = new DeltaReader(bytes, where);
  const blockValues = reader.length();
  const groups = reader.length();
  const groupValues = blockValues / groups;
  if (reader.length() !== count || blockValues > mostBlockValues || groups === 0 || blockValues === 0 || groupValues % 8 !== 0) throw damaged(where);
  const values = type === "INT32" ? new Int32Array(count) : new Float64Array(count);
  let [high, low] = reader.signed();
  const put = (index: number): void => { values[index] = type === "INT32" ? low : high * 2 ** 32 + low; };
  if (count > 0) put(0);
  for (let done = 1; done < count;) {
    const [leastHigh, leastLow] = reader.signed();
    const widths = reader.widths(groups);
    for (let group = 0; group < groups && done < count; group++) {
      const width = widths[group]!;
      const here = Math.min(groupValues, count - done);
      const from = reader.packed(width, groupValues, here);
      for (let i = 0; i < here; i++, done++) {
        const position = 8 * from + i * width;
        const sumLow = low + leastLow + bitsAt(bytes, position, Math.min(width, 32));
        const sumHigh = high + leastHigh + (width > 32 ? bitsAt(bytes, position + 32, width - 32) : 0);
        low = sumLow >>> 0;
        high = (sumHigh + Math.floor(sumLow / 2 ** 32)) | 0;
        put(done);
      }
    }
  }
  return { values, end: reader.at };
}

class DeltaReader {
  at = 0;

  constructor(private readonly bytes: Uint8Array, private readonly where: string) {}

  /** An unsigned number that fits a length. */
  length(): number {
    const [high, low] = this.#unsigned();
    if (high !== 0) throw damaged(this.where);
    return low;
  }

  /** A signed number (zigzag: 0, -1, 1, -2, ...) as its upper half, signed, and its lower one, unsigned. */
  signed(): [number, number] {
    const [high, low] = this.#unsigned();
    const sign = -(low & 1);
    return [(high >>> 1) ^ sign, (((low >>> 1) | (high << 31)) ^ sign) >>> 0];
  }

  widths(groups: number): Uint8Array {
    if (groups > this.bytes.length - this.at) throw damaged(this.where);
    const widths = this.bytes.subarray(this.at, this.at + groups);
    this.at += groups;
    if (widths.some((width) => width > 64)) throw damaged(this.where);
    return widths;
  }

  /** Where a group of `all` packed numbers begins, of which `needed` must be there: some writers leave the end of the last group out. */
  packed(width: number, all: number, needed: number): number {
    const from = this.at;
    if (Math.ceil(width * needed / 8) > this.bytes.length - from) throw damaged(this.where);
    this.at = Math.min(this.bytes.length, from + width * all / 8);
    return from;
  }

  /** Upper and lower half. */
  #unsigned(): [number, number] {
    let [high, low] = [0, 0];
    for (let group = 0; group < longestNumber; group++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw damaged(this.where);
      if (group < 5) low += (byte & 127) * 128 ** group;
      else high += (byte & 127) * 2 ** (7 * group - 32);
      if (byte < 128) return [(high + Math.floor(low / 2 ** 32)) >>> 0, low >>> 0];
    }
    throw damaged(this.where);
  }
}

/** The number of `width` bits, at most 32, that begins at a bit position, the lowest bit first. */
function bitsAt(bytes: Uint8Array, position: number, width: number): number {
  let value = 0;
  for (let bit = 0; bit < width;) {
    const inByte = (position + bit) & 7;
    const taken = Math.min(8 - inByte, width - bit);
    value += ((bytes[Math.floor((position + bit) / 8)]! >> inByte) & ((1 << taken) - 1)) * 2 ** bit;
    bit += taken;
  }
  return value;
}

const damaged = (where: string): FormatError => new FormatError(`${where}: its differences end too early or are too many; the file is damaged, copy or write it again.`);
