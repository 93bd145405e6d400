/** @file Rows of bytes as numbers with the constant 1 behind each: plain loops here, by compiled kernels in wasmArrays.ts and wasmSparseBytes.ts. */

import type { FloatArray } from "../engine";

/** Bytes [n, width]; `meaning` [256] is the number that each byte stands for. */
export interface ByteRows { readonly bytes: Uint8Array; readonly width: number; readonly meaning: Float32Array }

/** The rows as numbers, out [n, width + 1]. */
export function byteRows({ bytes, width, meaning }: ByteRows, out: FloatArray): void {
  for (let from = 0, to = 0; from < bytes.length;) {
    for (const end = from + width; from < end; from++, to++) out[to] = meaning[bytes[from]];
    out[to++] = 1;
  }
}

/** Rows that are looked at. */
const sampled = 16;

/** Share of the bytes that are not zero, in some rows. */
export function filledShare({ bytes, width }: ByteRows): number {
  const step = Math.max(1, Math.floor(bytes.length / width / sampled)) * width;
  let [seen, found] = [0, 0];
  for (let row = 0; row < bytes.length; row += step) {
    for (let at = row; at < row + width; at++) if (bytes[at] !== 0) found++;
    seen += width;
  }
  return seen === 0 ? 0 : found / seen;
}
