/** @file The compiled kernel of products of bytes (byteProducts.as.ts) in a shared memory. Addresses are bytes, counts are entries. */

import bytes from "./byteProducts.wasm";

export interface ByteProductFunctions {
  /**
   * Adds to 32-bit sums out [width + 8, stride / 4] the products of all components over the blocks `first` to `last` of vectors [samples, width] and
   * a 1 behind each: the half from the diagonal on, and some of the other. Reads up to 16 bytes beyond the vectors.
   */
  addProducts(samples: number, width: number, first: number, last: number, vectors: number, scratch: number, out: number, stride: number): void;
  /** Adds `count` 32-bit sums, a multiple of four, to those at `wide` in float64 and sets them to zero. */
  moveSums(count: number, sums: number, wide: number): void;
}

export const samplesPerBlock = 128;

/** Of one thread: which components are not zero, their places, and a packed block. */
export const scratchBytes = (width: number): number => 5 * (width + 32) + 64 + (width + 16) * samplesPerBlock * 2;

/** Rows of the sums: the components, the constant and seven that fill a panel. */
export const sumRows = (width: number): number => width + 8;
/** Columns: the same, up to a multiple of four. */
export const sumColumns = (width: number): number => Math.ceil(sumRows(width) / 4) * 4;

/** Behind the vectors. */
export const slack = 16;

/** More would overflow 32-bit sums. */
export const mostSamples = 256 * samplesPerBlock;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD or shared memory is not available. */
export const byteProductModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(bytes));
