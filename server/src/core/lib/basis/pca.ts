/** @file First rotation: principal directions of the Gram matrix, the constant direction apart, small directions dropped (method section 2.3). */

import { place, slice, transpose } from "../../linalg/arrange";
import { matrix, type Matrix } from "../../linalg/matrix";
import { symmetricEigen } from "../../linalg/symmetricEigen";
import type { Threshold } from "../options";
import { centeredFrom, restoringMean } from "../statistics/centering";

/** All directions of a layer, none dropped: G = U diag(values) U^T. */
export interface PrincipalDirections {
  /** Directions apart first (the constant, then the variance), then descending; negative rounding noise clamped to 0. */
  readonly values: Float64Array;
  /** Columns are orthonormal directions [d, d]. */
  readonly vectors: Matrix;
  /** Number of directions apart. */
  readonly masked: number;
}

/**
 * @param gram centred Gram [d, d]
 * @param constantApart With centring the constant component is exactly uncorrelated with the others, so its direction is the last unit
 *   vector with eigenvalue 1: set analytically, and only the rest is decomposed. (Searching for it among computed eigenvectors fails in float32.)
 * @param varianceApart Component 0 is the variance of a norm and stays a direction of its own: its correlation with the others is left out
 *   (method section 1.5), so that nothing else reads or writes it. The whitening is then not exact for it.
 */
export function principalDirections(gram: Matrix, constantApart: boolean, varianceApart = false, checkCancelled = (): void => undefined): PrincipalDirections {
  const size = gram.rows;
  const apart = [...(constantApart ? [size - 1] : []), ...(varianceApart ? [0] : [])];
  const [first, end] = [varianceApart ? 1 : 0, constantApart ? size - 1 : size];
  const { values, vectors: rest } = symmetricEigen(gram, { part: { first, end }, checkCancelled });
  const vectors = matrix(size, size);
  place(vectors, rest, first, apart.length);
  apart.forEach((component, direction) => { vectors.data[component * size + direction] = 1; });
  const variances = [...apart.map((component) => gram.data[component * size + component]), ...values];
  return { values: Float64Array.from(variances, (value) => Math.max(0, value)), vectors, masked: apart.length };
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

/** The kept directions and the transforms made of them; those are formed whenever they are asked for, since wide layers cannot hold them all. */
export interface FirstRotation {
  /** [m] */
  readonly D: Float64Array;
  /** W = Y U [d, m] with the kept directions U */
  W(): Matrix;
  /** W_pinv = U^T Y_inv [m, d] */
  WPinv(): Matrix;
  readonly masked: number;
}

/** @param mean of the layer; null without centring */
export function firstRotation(directions: PrincipalDirections, mean: Float64Array | null, threshold: Threshold): FirstRotation {
  const kept = keptDirections(directions, threshold);
  const { values, vectors, masked } = directions;
  return {
    D: values.slice(0, kept),
    W: () => centeredFrom(mean, slice(vectors, 0, vectors.rows, 0, kept)),
    WPinv: () => restoringMean(transpose(vectors, kept), mean),
    masked,
  };
}
