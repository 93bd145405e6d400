/** @file The compiled array kernels (arrays.as.ts) over a given memory. Addresses are bytes, steps and counts are entries. */

import bytes from "./arrays.wasm";

/** In the order of the kernels' numbers. */
export const binaryNames = ["add", "sub", "mul", "div"] as const;

/** Each in float32 and float64. `nest` is the address of a table of 32-bit numbers. */
export interface ArrayKernelFunctions {
  /** Table: extents, steps of a, steps of b, room for the index; `levels` numbers each. */
  combine32(operation: number, levels: number, nest: number, rows: number, a: number, b: number, out: number): void;
  combine64(operation: number, levels: number, nest: number, rows: number, a: number, b: number, out: number): void;
  /** The same table; `sum` lies as `out` does. */
  addProduct32(levels: number, nest: number, rows: number, a: number, b: number, sum: number, out: number): void;
  addProduct64(levels: number, nest: number, rows: number, a: number, b: number, sum: number, out: number): void;
  affine32(count: number, from: number, to: number, factor: number, offset: number): void;
  affine64(count: number, from: number, to: number, factor: number, offset: number): void;
  /** [outer, reduced, inner] -> [outer, inner] in float64. */
  sum32(squared: boolean, outer: number, reduced: number, inner: number, from: number, to: number): void;
  sum64(squared: boolean, outer: number, reduced: number, inner: number, from: number, to: number): void;
  /** [batch, rows, cols] -> [batch, cols, rows] */
  swap32(batch: number, rows: number, cols: number, from: number, to: number): void;
  swap64(batch: number, rows: number, cols: number, from: number, to: number): void;
  /** Table: extents, steps, room for the index. */
  pick32(levels: number, nest: number, rows: number, from: number, to: number): void;
  pick64(levels: number, nest: number, rows: number, from: number, to: number): void;
  /** [rows, cols] -> its columns minus `shift` [cols], in float64: [cols, rows]. */
  columns32(rows: number, cols: number, from: number, shift: number, to: number): void;
  columns64(rows: number, cols: number, from: number, shift: number, to: number): void;
  /** Bytes [rows, cols] -> table[byte], a 1 behind each row: [rows, cols + 1]. The table has 256 numbers of the same kind. */
  lookup32(rows: number, cols: number, from: number, table: number, to: number): void;
  lookup64(rows: number, cols: number, from: number, table: number, to: number): void;
  /** Sizes and step in bytes. */
  spread(rows: number, bytes: number, from: number, to: number, step: number): void;
}

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD is not available. */
export function arrayKernels(memory: WebAssembly.Memory): ArrayKernelFunctions {
  compiled ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as ArrayKernelFunctions;
}
