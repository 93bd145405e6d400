/** @file Eigenpairs of a small symmetric tridiagonal matrix by the implicit QL algorithm (EISPACK tql2). */

const epsilon = Number.EPSILON;

/**
 * On entry `diagonal` (n) and `offDiagonal` (n; entry i couples i and i + 1, the last is ignored) hold the matrix.
 * On exit `diagonal` holds the eigenvalues, unordered, and `offDiagonal` is destroyed. Every rotation is applied to the rows of
 * `vectors` (n rows of length `width`): started from Q^T, row i ends as the eigenvector i.
 * @throws Error when an eigenvalue does not converge.
 */
export function tridiagonalQl(diagonal: Float64Array, offDiagonal: Float64Array, vectors: Float64Array, width: number): void {
  const n = diagonal.length;
  if (n === 0) return;
  offDiagonal[n - 1] = 0;
  let shift = 0;
  let largest = 0;
  for (let l = 0; l < n; l++) {
    largest = Math.max(largest, Math.abs(diagonal[l]) + Math.abs(offDiagonal[l]));
    let end = l;
    while (end < n - 1 && Math.abs(offDiagonal[end]) > epsilon * largest) end++;
    for (let sweep = 0; end > l && Math.abs(offDiagonal[l]) > epsilon * largest; sweep++) {
      if (sweep === 60) throw new Error("An eigenvalue of a tridiagonal matrix did not converge in 60 sweeps.");
      shift += qlSweep(diagonal, offDiagonal, vectors, width, l, end);
    }
    diagonal[l] += shift;
    offDiagonal[l] = 0;
  }
}

/** One shifted QL sweep over rows l..end; returns the shift that was subtracted from the diagonal. */
function qlSweep(diagonal: Float64Array, offDiagonal: Float64Array, vectors: Float64Array, width: number, l: number, end: number): number {
  const n = diagonal.length;
  const before = diagonal[l];
  let p = (diagonal[l + 1] - before) / (2 * offDiagonal[l]);
  let r = Math.hypot(p, 1);
  if (p < 0) r = -r;
  diagonal[l] = offDiagonal[l] / (p + r);
  diagonal[l + 1] = offDiagonal[l] * (p + r);
  const second = diagonal[l + 1];
  const shift = before - diagonal[l];
  for (let i = l + 2; i < n; i++) diagonal[i] -= shift;

  p = diagonal[end];
  const nextOff = offDiagonal[l + 1];
  let c = 1, c2 = 1, c3 = 1, s = 0, s2 = 0;
  for (let i = end - 1; i >= l; i--) {
    c3 = c2;
    c2 = c;
    s2 = s;
    const g = c * offDiagonal[i];
    const h = c * p;
    r = Math.hypot(p, offDiagonal[i]);
    offDiagonal[i + 1] = s * r;
    s = offDiagonal[i] / r;
    c = p / r;
    p = c * diagonal[i] - s * g;
    diagonal[i + 1] = h + s * (c * g + s * diagonal[i]);
    rotateRows(vectors, i * width, (i + 1) * width, width, c, s);
  }
  p = (-s * s2 * c3 * nextOff * offDiagonal[l]) / second;
  offDiagonal[l] = s * p;
  diagonal[l] = c * p;
  return shift;
}

/** (upper, lower) <- (c upper - s lower, s upper + c lower) */
function rotateRows(vectors: Float64Array, upper: number, lower: number, width: number, c: number, s: number): void {
  for (let k = 0; k < width; k++) {
    const u = vectors[upper + k];
    const v = vectors[lower + k];
    vectors[lower + k] = s * u + c * v;
    vectors[upper + k] = c * u - s * v;
  }
}
