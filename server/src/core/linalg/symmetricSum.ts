/** @file Sum of products a a^T. They are symmetric: a little more than half of each is computed. */

import { matrix, type Matrix } from "./matrix";
import { multiply } from "./multiply";

/** Panels of rows, each multiplied with itself and the later ones: with this many, 7/12 of the product are computed. */
const panels = 6;
/** Thinner panels cost more per number than they save. */
const thinnestPanel = 64;

export class SymmetricSum {
  /** What lies below the diagonal blocks of the panels stays 0. */
  readonly #upper: Matrix;
  readonly #panel: number;

  constructor(private readonly size: number) {
    this.#upper = matrix(size, size);
    this.#panel = Math.max(thinnestPanel, Math.ceil(size / panels));
  }

  /** @param a [size, k] @throws RangeError when `a` has another number of rows */
  add(a: Matrix): void {
    const { size } = this;
    if (a.rows !== size) throw new RangeError(`A matrix of ${a.rows} rows cannot be added to a sum of products of size ${size}.`);
    const rows = (first: number, end: number): Matrix => matrix(end - first, a.cols, a.data.subarray(first * a.cols, end * a.cols));
    for (let first = 0; first < size; first += this.#panel) {
      const end = Math.min(size, first + this.#panel);
      const product = multiply(rows(first, end), rows(first, size), { transposeB: true }).data;
      for (let row = first, at = 0; row < end; row += 1) {
        for (let to = row * size + first; to < (row + 1) * size; to += 1, at += 1) this.#upper.data[to] += product[at]!;
      }
    }
  }

  /** factor times the sum, both halves [size, size], in the memory of the sum: nothing can be added afterwards. */
  total(factor = 1): Matrix {
    const { size } = this;
    const { data } = this.#upper;
    for (let row = 0; row < size; row += 1) {
      for (let col = row; col < size; col += 1) data[row * size + col] = data[col * size + row] = factor * data[row * size + col]!;
    }
    return this.#upper;
  }
}
