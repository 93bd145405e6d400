/**
 * @file The centring matrix Y (method section 2.2), f @ Y = f - mu with the constant component (last) kept:
 * the identity except for its last row (-mu, 1); its inverse has the last row (mu, 1). Y itself is never needed, only products with it.
 */

import type { Matrix } from "../../linalg/matrix";

/** Y @ a in the memory of a: [d, n] -> [d, n]. `mean` null: no centring. */
export function centeredFrom(mean: Float64Array | null, a: Matrix): Matrix {
  if (!mean) return a;
  const last = (a.rows - 1) * a.cols;
  for (let row = 0; row < a.rows - 1; row += 1) {
    for (let col = 0; col < a.cols; col += 1) a.data[last + col] -= mean[row] * a.data[row * a.cols + col];
  }
  return a;
}

/** a @ Y_inv in the memory of a: [n, d] -> [n, d]. `mean` null: no centring. */
export function restoringMean(a: Matrix, mean: Float64Array | null): Matrix {
  if (!mean) return a;
  const last = a.cols - 1;
  for (let row = 0; row < a.rows; row += 1) {
    const constant = a.data[row * a.cols + last];
    for (let col = 0; col < last; col += 1) a.data[row * a.cols + col] += constant * mean[col];
  }
  return a;
}
