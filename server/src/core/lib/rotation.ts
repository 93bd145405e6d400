/** @file Second rotation V and importance Lambda (method section 2.5): the eigenvectors of the Jacobian Gram in whitened coordinates. */

import { place, slice } from "../linalg/arrange";
import { symmetrize } from "../linalg/elementary";
import { matrix, type Matrix } from "../linalg/matrix";
import { symmetricEigen } from "../linalg/symmetricEigen";

export interface SecondRotation {
  /** [m, r]; the masked features keep their unit vectors and come first. */
  readonly V: Matrix;
  /** [r]: masked features first, then descending. */
  readonly lambda: Float64Array;
}

/**
 * @param M R_pinv M' R_pinv^T [m, m]
 * @param masked leading features that stay features of their own: their correlation with the others is ignored, and they are never dropped
 * @param threshold features with Lambda below threshold times the largest non-masked Lambda are dropped
 */
export function secondRotation(M: Matrix, masked: number, threshold: number): SecondRotation {
  const size = M.rows;
  const { values, vectors } = symmetricEigen(symmetrize(slice(M, masked, size, masked, size)));
  const smallest = threshold * Math.max(0, values[0] ?? 0);
  let kept = 0;
  while (kept < values.length && values[kept] > smallest) kept += 1;

  const V = matrix(size, masked + kept);
  const lambda = new Float64Array(masked + kept);
  for (let feature = 0; feature < masked; feature += 1) {
    V.data[feature * V.cols + feature] = 1;
    lambda[feature] = Math.max(0, M.data[feature * size + feature]);
  }
  place(V, slice(vectors, 0, vectors.rows, 0, kept), masked, masked);
  lambda.set(values.subarray(0, kept), masked);
  return { V, lambda };
}
