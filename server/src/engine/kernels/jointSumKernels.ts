/** @file The compiled kernel of joint sums (jointSums.as.ts) in a shared memory. Addresses are bytes, counts are entries. */

import bytes from "./jointSums.wasm";

/** Each in float32 and float64. */
export interface JointSumFunctions {
  /** [n, h] -> 64-bit words [ceil(n / 64), h], one bit per sample: whether the number is positive. */
  pack32: Pack;
  pack64: Pack;
  /** Values [n, r], words -> sums of the pairs of conditions `first` <= a < `last`, a <= c < h, for the tiles of r from `tile` up to `end`: [pairs, r]. */
  joint32: Joint;
  joint64: Joint;
  /** Words -> counts of the samples of the same pairs: [pairs]. */
  count32: Count;
  count64: Count;
}

type Pack = (samples: number, conditions: number, from: number, words: number) => void;
type Joint = (
  samples: number, width: number, conditions: number, first: number, last: number, tile: number, end: number, values: number, words: number, tables: number, sums: number, out: number,
) => void;

type Count = (samples: number, conditions: number, first: number, last: number, words: number, room: number, out: number) => void;

/** Bytes that counting needs to work in. */
export const countBytes = 4 * 32 * 32;
/** Bytes of the kernel's tables of subset sums. */
export const tableBytes = 8 * 256 * 128;
/** Bytes of a tile of neighbouring r, and of running sums per pair. */
export const tileBytes = 128;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD or shared memory is not available. */
export const jointSumModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(bytes));
