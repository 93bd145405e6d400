/** @file The compiled kernel of products of bytes with a matrix (sparseBytes.as.ts) in a shared memory. Addresses are bytes, counts are entries. */

import bytes from "./sparseBytes.wasm";

export interface SparseByteFunctions {
  /** Bytes of the work area of one thread. */
  workBytes(width: number): number;
  /** Rows `first` to `last` of out [n, columns]. Reads up to `slack` bytes beyond the rows. */
  multiplyRows(first: number, last: number, width: number, columns: number, rows: number, meaning: number, panels: number, base: number, work: number, out: number): void;
}

/** Columns of the matrix that lie together, [panels, width, panelColumns]. */
export const panelColumns = 16;

/** Behind the rows. */
export const slack = 16;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD or shared memory is not available. */
export const sparseByteModule = (): WebAssembly.Module => (compiled ??= new WebAssembly.Module(bytes));
