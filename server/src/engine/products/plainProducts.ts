/** @file Matrix products in plain loops: the reference that every other kernel is compared with. */

import type { FloatArray } from "../engine";
import type { ProductPlan } from "../shapes";
import { strides, type MatrixProducts } from "./matrixProducts";

/** Sums are carried in float64 and rounded once, whatever the operands are. */
export const plainProducts: MatrixProducts = {
  description: "plain loops",
  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    const { batch, m, n, k } = plan;
    const { aRow, aCol, aStep, bRow, bCol, bStep } = strides(plan);
    const row = new Float64Array(n);
    for (let item = 0; item < batch; item++) {
      for (let i = 0; i < m; i++) {
        row.fill(0);
        for (let l = 0; l < k; l++) {
          const factor = a[item * aStep + i * aRow + l * aCol];
          let at = item * bStep + l * bRow;
          for (let j = 0; j < n; j++, at += bCol) row[j] += factor * b[at];
        }
        out.set(row, (item * m + i) * n);
      }
    }
  },
};
