/** @file Eigenpairs of a small symmetric matrix in plain loops; for large ones the reference of the blocked solver. */

import { tridiagonalQl } from "./tridiagonalQl";

/** `work` (n x n, symmetric, destroyed; entries scaled to about 1) -> eigenvalues, unordered, and eigenvectors as rows. */
export function unblockedEigen(work: Float64Array, n: number): { values: Float64Array; rows: Float64Array } {
  const rows = new Float64Array(n * n);
  for (let i = 0; i < n; i++) rows[i * n + i] = 1;
  const reflectors: { vector: Float64Array; scale: number }[] = [];
  for (let c = 0; c < n - 2; c++) reflectors.push(reflect(work, n, c));
  const values = Float64Array.from({ length: n }, (_, i) => work[i * n + i]);
  const coupling = Float64Array.from({ length: n }, (_, i) => (i < n - 1 ? work[(i + 1) * n + i] : 0));
  tridiagonalQl(values, coupling, rows, n);
  for (let c = reflectors.length - 1; c >= 0; c--) {
    const { vector, scale } = reflectors[c];
    for (let row = 0; row < n; row++) {
      let dot = 0;
      for (let k = c + 1; k < n; k++) dot += rows[row * n + k] * vector[k];
      dot *= scale;
      for (let k = c + 1; k < n; k++) rows[row * n + k] -= dot * vector[k];
    }
  }
  return { values, rows };
}

/** Clears column c below the subdiagonal: work <- H work H with H = I - scale v v^T. */
function reflect(work: Float64Array, n: number, c: number): { vector: Float64Array; scale: number } {
  const vector = new Float64Array(n);
  let largest = 0;
  for (let r = c + 2; r < n; r++) largest = Math.max(largest, Math.abs(work[r * n + c]));
  // Squares of smaller entries would lose their digits; against the matrix they are nothing.
  if (largest < 1e-140) {
    for (let r = c + 2; r < n; r++) work[r * n + c] = work[c * n + r] = 0;
    return { vector, scale: 0 };
  }
  let norm2 = 0;
  for (let r = c + 1; r < n; r++) {
    vector[r] = work[r * n + c];
    norm2 += vector[r] * vector[r];
  }
  const head = vector[c + 1];
  vector[c + 1] += head > 0 ? Math.sqrt(norm2) : -Math.sqrt(norm2);
  const scale = 1 / (norm2 + Math.abs(head) * Math.sqrt(norm2));
  const p = new Float64Array(n);
  for (let r = c; r < n; r++) {
    let sum = 0;
    for (let k = c + 1; k < n; k++) sum += work[r * n + k] * vector[k];
    p[r] = scale * sum;
  }
  let half = 0;
  for (let r = c + 1; r < n; r++) half += vector[r] * p[r];
  half *= scale / 2;
  for (let r = c; r < n; r++) p[r] -= half * vector[r];
  for (let r = c; r < n; r++) for (let k = c; k < n; k++) work[r * n + k] -= vector[r] * p[k] + p[r] * vector[k];
  return { vector, scale };
}
