/** @file Eigenvalues and eigenvectors of a real symmetric matrix in float64. */

import { symmetrize } from "./elementary";
import { tridiagonalQl } from "./eigen/tridiagonalQl";
import { matrix, type Matrix } from "./matrix";

export interface SymmetricEigen {
  /** Eigenvalues, descending. */
  values: Float64Array;
  /** Column j is the unit eigenvector of values[j]; columns are orthonormal. */
  vectors: Matrix;
}

/** a = vectors diag(values) vectors^T; `a` must be square and symmetric up to rounding. */
export function symmetricEigen(a: Matrix): SymmetricEigen {
  const n = a.rows;
  const { data: work } = symmetrize(a);
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  const off = new Float64Array(n);
  const reflectors: Float64Array[] = [];
  const scales: number[] = [];
  // Householder reflection H_c = I - beta v v^T clears column c below the subdiagonal; work <- H work H.
  for (let c = 0; c < n - 2; c++) {
    const v = new Float64Array(n);
    let norm = 0;
    for (let r = c + 1; r < n; r++) {
      v[r] = work[r * n + c];
      norm = Math.hypot(norm, v[r]);
    }
    const alpha = v[c + 1] > 0 ? -norm : norm;
    v[c + 1] -= alpha;
    let square = 0;
    for (let r = c + 1; r < n; r++) square += v[r] * v[r];
    const beta = square === 0 ? 0 : 2 / square;
    if (beta !== 0) {
      const p = new Float64Array(n);
      for (let r = c; r < n; r++) for (let k = c + 1; k < n; k++) p[r] += beta * work[r * n + k] * v[k];
      let half = 0;
      for (let r = c + 1; r < n; r++) half += v[r] * p[r];
      half *= beta / 2;
      for (let r = c; r < n; r++) p[r] -= half * v[r];
      for (let r = c; r < n; r++) for (let k = c; k < n; k++) work[r * n + k] -= v[r] * p[k] + p[r] * v[k];
    }
    reflectors.push(v);
    scales.push(beta);
  }
  const diagonal = Float64Array.from({ length: n }, (_, i) => work[i * n + i]);
  for (let i = 0; i < n - 1; i++) off[i] = work[(i + 1) * n + i];
  tridiagonalQl(diagonal, off, rows, n);
  for (let c = reflectors.length - 1; c >= 0; c--) {
    const v = reflectors[c];
    for (let row = 0; row < n; row++) {
      let dot = 0;
      for (let k = c + 1; k < n; k++) dot += rows[row * n + k] * v[k];
      dot *= scales[c];
      for (let k = c + 1; k < n; k++) rows[row * n + k] -= dot * v[k];
    }
  }
  const order = Array.from(diagonal.keys()).sort((p, q) => diagonal[q] - diagonal[p]);
  const vectors = matrix(n, n);
  order.forEach((from, to) => {
    for (let k = 0; k < n; k++) vectors.data[k * n + to] = rows[from * n + k];
  });
  return { values: Float64Array.from(order, (index) => diagonal[index]), vectors };
}
