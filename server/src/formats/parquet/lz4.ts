/** @file LZ4's block format, which Parquet calls LZ4_RAW. */

import { FormatError } from "../modelFile";

const shortestMatch = 4;

/**
 * Sequences of literals and a copy of what came before; the last one has literals only. Every step takes a byte and writes inside the
 * output, or ends with an error.
 * @param size bytes that come out
 */
export function unpackLz4(packed: Uint8Array, size: number, where: string): Uint8Array {
  const out = new Uint8Array(size);
  let [at, to] = [0, 0];
  const byte = (): number => {
    if (at >= packed.length) throw damaged(where);
    return packed[at++]!;
  };
  /** Four bits of the token; 15: further bytes are added, up to the first that is not 255. */
  const length = (bits: number): number => {
    let sum = bits;
    if (bits === 15) {
      for (let more = 255; more === 255;) {
        more = byte();
        sum += more;
      }
    }
    return sum;
  };
  for (;;) {
    const token = byte();
    const literals = length(token >> 4);
    if (at + literals > packed.length || to + literals > size) throw damaged(where);
    out.set(packed.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at === packed.length) break;
    const back = byte() + 256 * byte();
    const match = length(token & 15) + shortestMatch;
    if (back === 0 || back > to || to + match > size) throw damaged(where);
    // byte by byte: a copy may read what it writes
    for (const end = to + match; to < end; to++) out[to] = out[to - back]!;
  }
  if (to !== size) throw damaged(where);
  return out;
}

const damaged = (where: string): FormatError => new FormatError(`${where} cannot be unpacked; the file is damaged, copy or write it again.`);
