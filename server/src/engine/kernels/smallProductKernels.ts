/** @file The compiled kernel of small products (smallProducts.as.ts) over a given memory. Addresses are bytes; rows, columns and steps are entries. */

import bytes from "./smallProducts.wasm";

export interface SmallProductFunctions {
  multiply32: Multiply;
  multiply64: Multiply;
}

type Multiply = (
  batch: number, m: number, n: number, k: number,
  a: number, aRow: number, aCol: number, aStep: number, b: number, bRow: number, bCol: number, bStep: number, c: number,
) => void;

let compiled: WebAssembly.Module | null = null;

/** @throws Error when WebAssembly SIMD is not available. */
export function smallProductKernels(memory: WebAssembly.Memory): SmallProductFunctions {
  compiled ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as SmallProductFunctions;
}
