/** @file Rows of bytes as numbers with the constant 1 behind each: plain loops here, by a compiled kernel in wasmArrays.ts. */

import type { FloatArray } from "../engine";

/** Bytes [n, width] -> out [n, width + 1]. */
export function byteRows(bytes: Uint8Array, width: number, meaning: Float32Array, out: FloatArray): void {
  for (let from = 0, to = 0; from < bytes.length;) {
    for (const end = from + width; from < end; from++, to++) out[to] = meaning[bytes[from]];
    out[to++] = 1;
  }
}
