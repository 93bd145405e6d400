/** @file Snappy, as the pages of most Parquet files are compressed. */

import { FormatError } from "../modelFile";

/**
 * Snappy's raw format: literals and copies of what came before. Every step takes a byte and writes inside the output, or ends with an error.
 * @param size bytes that come out
 */
export function unpackSnappy(packed: Uint8Array, size: number, where: string): Uint8Array {
  const out = new Uint8Array(size);
  let [at, to] = [0, 0];
  const number = (bytes: number): number => {
    if (at + bytes > packed.length) throw damaged(where);
    let value = 0;
    for (let i = 0; i < bytes; i++) value += packed[at++]! * 256 ** i;
    return value;
  };
  // the length before compression, seven bits at a time; the page header has it too
  let group = 0;
  while (number(1) >= 128) if (++group > 4) throw damaged(where);
  while (at < packed.length) {
    const tag = number(1);
    const short = tag >> 2;
    if ((tag & 3) === 0) {
      const length = (short < 60 ? short : number(short - 59)) + 1;
      if (at + length > packed.length || to + length > size) throw damaged(where);
      out.set(packed.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    const length = (tag & 3) === 1 ? (short & 7) + 4 : short + 1;
    const back = (tag & 3) === 1 ? (tag >> 5) * 256 + number(1) : number((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > to || to + length > size) throw damaged(where);
    // byte by byte: a copy may read what it writes
    for (const end = to + length; to < end; to++) out[to] = out[to - back]!;
  }
  if (to !== size) throw damaged(where);
  return out;
}

const damaged = (where: string): FormatError => new FormatError(`${where} cannot be unpacked; the file is damaged, copy or write it again.`);
