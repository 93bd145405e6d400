/** @file Parquet's runs: small whole numbers, either one repeated or eight and more side by side in few bits each. */

import { FormatError } from "../modelFile";

/**
 * Decodes `count` numbers of `width` bits. Every run takes a byte at least, and none is written beyond `count`.
 * @throws FormatError when the bytes end before
 */
export function decodeRuns(bytes: Uint8Array, width: number, count: number, where: string): Int32Array {
  if (width > 31) throw damaged(where);
  const out = new Int32Array(count);
  let [at, done] = [0, 0];
  while (done < count) {
    let head = 0;
    for (let group = 0; ; group++) {
      const byte = bytes[at++];
      if (byte === undefined || group > 4) throw damaged(where);
      head += (byte & 127) * 128 ** group;
      if (byte < 128) break;
    }
    const half = Math.floor(head / 2);
    if (head % 2 === 0) {
      const size = Math.ceil(width / 8);
      if (at + size > bytes.length) throw damaged(where);
      let value = 0;
      for (let i = 0; i < size; i++) value += bytes[at++]! * 256 ** i;
      const end = Math.min(count, done + half);
      out.fill(value, done, end);
      done = end;
    } else {
      const numbers = Math.min(count - done, 8 * half);
      if (at + Math.ceil(numbers * width / 8) > bytes.length) throw damaged(where);
      unpackBits(bytes, at, width, out, done, numbers);
      // some writers leave the end of the last eight out
      at = Math.min(bytes.length, at + half * width);
      done += numbers;
    }
  }
  return out;
}

/** Numbers side by side, the lowest bit first. */
function unpackBits(bytes: Uint8Array, from: number, width: number, out: Int32Array, first: number, count: number): void {
  for (let i = 0; i < count; i++) {
    let value = 0;
    for (let bit = 0; bit < width;) {
      const position = i * width + bit;
      const inByte = position & 7;
      const taken = Math.min(8 - inByte, width - bit);
      value += ((bytes[from + (position >> 3)]! >> inByte) & ((1 << taken) - 1)) * 2 ** bit;
      bit += taken;
    }
    out[first + i] = value;
  }
}

const damaged = (where: string): FormatError => new FormatError(`${where}: its numbers end too early; the file is damaged, copy or write it again.`);
