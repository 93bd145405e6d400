/** @file Elementary matrices and elementwise operations of the method. */

import { matrix, type Matrix } from "./matrix";

/** 1 [size, size] */
export function identity(size: number): Matrix {
  const out = matrix(size, size);
  for (let i = 0; i < size; i++) out.data[i * size + i] = 1;
  return out;
}

/** Square matrix with `values` on its diagonal. */
export function diagonalMatrix(values: ArrayLike<number>): Matrix {
  const size = values.length;
  const out = matrix(size, size);
  for (let i = 0; i < size; i++) out.data[i * size + i] = values[i];
  return out;
}

/** a[i,i], as many as the smaller side of a. */
export function diagonal(a: Matrix): Float64Array {
  return Float64Array.from({ length: Math.min(a.rows, a.cols) }, (_, i) => a.data[i * a.cols + i]);
}

/** a diag(factors): column j times factors[j]. */
export function scaleColumns(a: Matrix, factors: ArrayLike<number>): Matrix {
  checkFactors("column", a.cols, factors);
  const out = matrix(a.rows, a.cols);
  for (let row = 0, at = 0; row < a.rows; row++) for (let j = 0; j < a.cols; j++, at++) out.data[at] = a.data[at] * factors[j];
  return out;
}

/** diag(factors) a: row i times factors[i]. */
export function scaleRows(a: Matrix, factors: ArrayLike<number>): Matrix {
  checkFactors("row", a.rows, factors);
  const out = matrix(a.rows, a.cols);
  for (let row = 0, at = 0; row < a.rows; row++) {
    const factor = factors[row];
    for (let j = 0; j < a.cols; j++, at++) out.data[at] = a.data[at] * factor;
  }
  return out;
}

/** factor a */
export function scale(a: Matrix, factor: number): Matrix {
  return matrix(a.rows, a.cols, a.data.map((value) => value * factor));
}

/** a <- factor a, for matrices that are too large to be held twice. */
export function rescale(a: Matrix, factor: number): Matrix {
  for (let i = 0; i < a.data.length; i++) a.data[i] *= factor;
  return a;
}

/** a + factor b */
export function add(a: Matrix, b: Matrix, factor = 1): Matrix {
  checkSame(a, b);
  const out = matrix(a.rows, a.cols);
  for (let i = 0; i < out.data.length; i++) out.data[i] = a.data[i] + factor * b.data[i];
  return out;
}

/** a ∘ b, entry by entry. */
export function hadamard(a: Matrix, b: Matrix): Matrix {
  checkSame(a, b);
  const out = matrix(a.rows, a.cols);
  for (let i = 0; i < out.data.length; i++) out.data[i] = a.data[i] * b.data[i];
  return out;
}

/** Square root of the sum of squares, without overflow. */
export function frobeniusNorm(a: Matrix): number {
  let largest = 0;
  for (const value of a.data) largest = Math.max(largest, Math.abs(value));
  if (largest === 0 || !Number.isFinite(largest)) return largest;
  let total = 0;
  for (const value of a.data) total += (value / largest) ** 2;
  return largest * Math.sqrt(total);
}

function checkSame(a: Matrix, b: Matrix): void {
  if (a.rows !== b.rows || a.cols !== b.cols) throw new RangeError(`A ${a.rows} x ${a.cols} and a ${b.rows} x ${b.cols} matrix differ in shape.`);
}

function checkFactors(what: string, count: number, factors: ArrayLike<number>): void {
  if (factors.length !== count) throw new RangeError(`${count} ${what}s need ${count} factors, got ${factors.length}.`);
}
