/** @file What multiplies matrices for the host engine: plain loops, own WebAssembly kernels or a native library. */

import type { FloatArray } from "../engine";
import type { ProductPlan } from "../shapes";

export interface MatrixProducts {
  /** For people: "own SIMD kernels", "onnxruntime 1.30". */
  readonly description: string;
  /**
   * Overwrites `out` (row-major, batch x m x n) with the products of `plan`.
   * `a`, `b` and `out` hold the same kind of number; `out` overlaps neither operand.
   */
  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void;
}

/** Strides of a plan's operands: entry (i, l) of op(a) is `a[i * aRow + l * aCol]`, likewise for b; `aStep` leads to the next matrix. */
export function strides(plan: ProductPlan): { aRow: number; aCol: number; aStep: number; bRow: number; bCol: number; bStep: number } {
  const { m, n, k } = plan;
  return {
    aRow: plan.transposeA ? 1 : k,
    aCol: plan.transposeA ? m : 1,
    aStep: plan.sharedA ? 0 : m * k,
    bRow: plan.transposeB ? 1 : n,
    bCol: plan.transposeB ? k : 1,
    bStep: plan.sharedB ? 0 : k * n,
  };
}
