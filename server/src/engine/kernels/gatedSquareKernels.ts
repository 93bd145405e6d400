/** @file The compiled kernel of gated squares (gatedSquares.as.ts) in a shared memory. Addresses are bytes, counts are entries. */

import bytes from "./gatedSquares.wasm";

/** Each in float32 and float64. */
export interface GatedSquareFunctions {
  /** [n, h] -> bytes [n, ceil(h / 6)], one bit per term: whether the number is positive. */
  pack32: Pack;
  pack64: Pack;
  /** Items `first` to `last` (one for every i and tile of j): sums in float64, a tile for each at `out`. Reads up to a tile beyond rows. */
  squares32: Squares;
  squares64: Squares;
}

type Pack = (samples: number, terms: number, from: number, bits: number) => void;
type Squares = (
  samples: number, terms: number, inputs: number, outputs: number, first: number, last: number,
  bits: number, weights: number, into: number, outOf: number, constant: number, tables: number, numbers: number, out: number,
) => void;

/** Terms of one table: the lower bits of a byte. */
export const termsPerTable = 6;
/** Bytes of the neighbouring j that are treated together, also what the kernel may read beyond a row. */
export const tileBytes = 128;
/** Room for the tables of subset sums that are used together. */
export const tableBytes = 24 * 64 * tileBytes;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD or shared memory is not available. */
export const gatedSquareModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(bytes));
