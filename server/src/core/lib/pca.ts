/** @file First rotation: principal directions of the Gram matrix, the constant direction apart, small directions dropped (method section 2.3). */

import { place, slice, transpose } from "../linalg/arrange";
import { matrix, type Matrix } from "../linalg/matrix";
import { symmetricEigen } from "../linalg/symmetricEigen";
import { centeredFrom, restoringMean } from "./centering";
import type { Threshold } from "./options";

/** All directions of a layer, none dropped: G = U diag(values) U^T. */
export interface PrincipalDirections {
  /** Constant first when there is one apart, then descending; negative rounding noise clamped to 0. */
  readonly values: Float64Array;
  /** Columns are orthonormal directions [d, d]. */
  readonly vectors: Matrix;
  /** 1 when the constant direction is column 0, else 0. */
  readonly masked: number;
}

/**
 * @param gram centred Gram [d, d]
 * @param constantApart With centring the constant component is exactly uncorrelated with the others, so its direction is the last unit
 *   vector with eigenvalue 1: set analytically, and only the rest is decomposed. (Searching for it among computed eigenvectors fails in float32.)
 */
export function principalDirections(gram: Matrix, constantApart: boolean): PrincipalDirections {
  const size = gram.rows;
  const clamped = (values: Float64Array): Float64Array => values.map((value) => Math.max(0, value));
  if (!constantApart) {
    const { values, vectors } = symmetricEigen(gram);
    return { values: clamped(values), vectors, masked: 0 };
  }
  const last = size - 1;
  const { values, vectors: rest } = symmetricEigen(slice(gram, 0, last, 0, last));
  const vectors = matrix(size, size);
  place(vectors, rest, 0, 1);
  vectors.data[last * size] = 1;
  return { values: Float64Array.of(gram.data[size * size - 1], ...clamped(values)), vectors, masked: 1 };
}

/** The value that a threshold asks to exceed. @param largest of the values that are not masked */
export const smallestKept = (threshold: Threshold, largest: number): number =>
  (typeof threshold === "number" ? threshold * Math.max(0, largest) : threshold.absolute);

/** Number of leading directions above the threshold; the masked ones always count. With the relative threshold 0 all, also those without variance. */
export function keptDirections({ values, masked }: PrincipalDirections, threshold: Threshold): number {
  if (threshold === 0) return values.length;
  const smallest = smallestKept(threshold, values[masked] ?? 0);
  let kept = masked;
  while (kept < values.length && values[kept] > smallest) kept += 1;
  return kept;
}

/** The kept directions and the transforms made of them. */
export interface FirstRotation {
  /** [m] */
  readonly D: Float64Array;
  /** [d, m] */
  readonly U: Matrix;
  /** W = Y U [d, m] */
  readonly W: Matrix;
  /** W_pinv = U^T Y_inv [m, d] */
  readonly WPinv: Matrix;
  readonly masked: number;
}

/** @param mean of the layer; null without centring */
export function firstRotation(directions: PrincipalDirections, mean: Float64Array | null, threshold: Threshold): FirstRotation {
  const kept = keptDirections(directions, threshold);
  const U = slice(directions.vectors, 0, directions.vectors.rows, 0, kept);
  return {
    D: directions.values.slice(0, kept),
    U,
    W: centeredFrom(mean, U),
    WPinv: restoringMean(transpose(U), mean),
    masked: directions.masked,
  };
}
