/** @file Singular value decomposition, rank and pseudo-inverse in float64, on the symmetric eigensolver. */

import { selectColumns, slice, transpose } from "./arrange";
import { add, identity, scale, scaleColumns } from "./elementary";
import { matrix, type Matrix } from "./matrix";
import { multiply } from "./multiply";
import { symmetricEigen } from "./symmetricEigen";

export interface SingularValues {
  /** All min(rows, cols) singular values, descending; those at rounding level are 0. */
  values: Float64Array;
  /** rows x r: left singular vectors of the r singular values that are not 0, orthonormal columns. */
  left: Matrix;
  /** cols x r: right singular vectors. */
  right: Matrix;
}

/**
 * Share of the largest singular value down to which one Gram matrix is trusted. Squaring costs digits in proportion to the square of
 * the spread, so only this much is taken at a time; the rest is solved again without the directions that are done.
 */
const trustedSpread = 1 / 64;

/**
 * a = left diag(values) right^T. Singular values are accurate to about 1e-14 of the largest one.
 * @throws RangeError when `a` holds NaN or infinity.
 */
export function svd(a: Matrix): SingularValues {
  if (a.rows < a.cols) {
    const { values, left, right } = svd(transpose(a));
    return { values, left: right, right: left };
  }
  const largest = a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const values = new Float64Array(a.cols);
  if (!Number.isFinite(largest)) throw new RangeError("Singular values: the matrix holds NaN or infinity.");
  if (largest === 0) return { values, left: matrix(a.rows, 0), right: matrix(a.cols, 0) };
  // Entries of at most 1, so that no square overflows.
  const unit = matrix(a.rows, a.cols, a.data.map((value) => value / largest));
  const found = decompose(unit);
  found.values.forEach((value, i) => { values[i] = value * largest; });
  return { values, left: found.left, right: found.right };
}

function decompose(a: Matrix): SingularValues {
  let left = matrix(a.rows, 0);
  let right = matrix(a.cols, 0);
  const values: number[] = [];
  let open = identity(a.cols);
  while (open.cols > 0) {
    // Twice is enough (Giraud et al. 2005): what is left along finished directions is rounding.
    const image = orthogonalTo(left, orthogonalTo(left, multiply(a, open)));
    const { vectors } = symmetricEigen(multiply(image, image, { transposeA: true }));
    const turned = multiply(image, vectors);
    const norms = columnNorms(turned);
    const rounding = Number.EPSILON * Math.max(a.rows, a.cols) * (values[0] ?? norms[0]);
    if (!(norms[0] > rounding)) break;
    let taken = 0;
    while (taken < norms.length && norms[taken] >= norms[0] * trustedSpread && norms[taken] > rounding) taken++;
    const rotated = multiply(open, vectors);
    const unit = scaleColumns(slice(turned, 0, turned.rows, 0, taken), norms.slice(0, taken).map((norm) => 1 / norm));
    left = beside(left, orthonormalised(unit));
    right = beside(right, slice(rotated, 0, rotated.rows, 0, taken));
    open = slice(rotated, 0, rotated.rows, taken, rotated.cols);
    values.push(...norms.slice(0, taken));
  }
  // Levels and rounding may leave neighbours out of order.
  const order = values.map((_, i) => i).sort((p, q) => values[q] - values[p]);
  return { values: Float64Array.from(order, (i) => values[i]), left: selectColumns(left, order), right: selectColumns(right, order) };
}

/**
 * u (3 I - u^T u) / 2: the Newton-Schulz step to the nearest orthonormal columns. It squares the error, which the Gram matrix leaves at
 * rounding divided by the square of the trusted spread.
 */
function orthonormalised(u: Matrix): Matrix {
  return add(scale(u, 1.5), multiply(u, multiply(u, u, { transposeA: true })), -0.5);
}

/** b - done done^T b for orthonormal columns `done`. */
function orthogonalTo(done: Matrix, b: Matrix): Matrix {
  if (done.cols === 0) return b;
  return add(b, multiply(done, multiply(done, b, { transposeA: true })), -1);
}

function columnNorms(a: Matrix): Float64Array {
  const squares = new Float64Array(a.cols);
  for (let row = 0, at = 0; row < a.rows; row++) for (let j = 0; j < a.cols; j++, at++) squares[j] += a.data[at] * a.data[at];
  return squares.map(Math.sqrt);
}

function beside(a: Matrix, b: Matrix): Matrix {
  const out = matrix(a.rows, a.cols + b.cols);
  for (let row = 0; row < a.rows; row++) {
    out.data.set(a.data.subarray(row * a.cols, (row + 1) * a.cols), row * out.cols);
    out.data.set(b.data.subarray(row * b.cols, (row + 1) * b.cols), row * out.cols + a.cols);
  }
  return out;
}

/** Relative size below which a singular value counts as 0, as in NumPy's `matrix_rank`. */
function defaultRankTolerance(a: Matrix): number {
  return Number.EPSILON * Math.max(a.rows, a.cols);
}

/** Number of singular values above `tolerance` times the largest. */
export function rank(a: Matrix, tolerance = defaultRankTolerance(a)): number {
  const { values } = svd(a);
  return values.filter((value) => value > tolerance * values[0]).length;
}

/** Moore-Penrose inverse; singular values up to `tolerance` times the largest count as 0. */
export function pseudoInverse(a: Matrix, tolerance = defaultRankTolerance(a)): Matrix {
  const { values, left, right } = svd(a);
  const kept = values.slice(0, left.cols).filter((value) => value > tolerance * values[0]);
  const scaled = scaleColumns(slice(right, 0, right.rows, 0, kept.length), kept.map((value) => 1 / value));
  return multiply(scaled, slice(left, 0, left.rows, 0, kept.length), { transposeB: true });
}
