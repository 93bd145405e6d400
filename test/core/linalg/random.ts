/** @file Seeded random matrices for the linear-algebra tests. */

import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { seededRandom } from "../../../server/src/core/random";

/** Uniform in [-1, 1), the same on every machine. */
export function uniform(seed: number): () => number {
  const random = seededRandom(seed);
  return () => 2 * random() - 1;
}

export function randomMatrix(rows: number, cols: number, seed: number): Matrix {
  const next = uniform(seed);
  return matrix(rows, cols, Float64Array.from({ length: rows * cols }, next));
}

export function randomSymmetric(size: number, seed: number): Matrix {
  const a = randomMatrix(size, size, seed);
  for (let i = 0; i < size; i++) for (let j = 0; j < i; j++) a.data[j * size + i] = a.data[i * size + j];
  return a;
}

export function largestDifference(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.data.length; i++) {
    const difference = Math.abs(a.data[i] - b.data[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
