/** @file Second rotation V and importance Lambda (method section 2.5): the eigenvectors of the Jacobian Gram in whitened coordinates. */

import { slice } from "../../linalg/arrange";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { symmetricEigen } from "../../linalg/symmetricEigen";
import type { Threshold } from "../options";
import { smallestKept } from "./pca";

export interface SecondRotation {
  /** [m, r]; the masked features keep their unit vectors and come first. */
  readonly V: Matrix;
  /** [r]: masked features first, then descending. */
  readonly lambda: Float64Array;
}

/**
 * @param M R_pinv M' R_pinv^T [m, m]
 * @param masked leading features that stay features of their own: their correlation with the others is ignored, and they are never dropped
 * @param threshold features whose Lambda does not exceed it are dropped; relative to the largest non-masked Lambda
 * @param interaction R_pinv Lambda' R [m, m] of the older basis formulas (method section 2.7), whose Lambda is |diag(V^T interaction V)|;
 *   null for `jacobian`, whose Lambda are the eigenvalues of M
 */
export function secondRotation(
  M: Matrix, masked: number, threshold: Threshold, interaction: Matrix | null = null, checkCancelled = (): void => undefined,
): SecondRotation {
  const size = M.rows;
  const { values, vectors } = symmetricEigen(M, { part: { first: masked, end: size }, asymmetry: "average", checkCancelled });
  const importance = interaction ? quadraticForms(slice(interaction, masked, size, masked, size), vectors) : values;
  const order = Array.from(importance.keys()).sort((a, b) => importance[b] - importance[a]);
  const smallest = smallestKept(threshold, importance[order[0]] ?? 0);
  const kept = order.filter((feature) => importance[feature] > Math.max(0, smallest));

  const V = matrix(size, masked + kept.length);
  const lambda = new Float64Array(masked + kept.length);
  const maskedImportance = interaction ?? M;
  for (let feature = 0; feature < masked; feature += 1) {
    V.data[feature * V.cols + feature] = 1;
    const own = maskedImportance.data[feature * size + feature];
    lambda[feature] = interaction ? Math.abs(own) : Math.max(0, own);
  }
  for (let row = 0; row < vectors.rows; row += 1) {
    const [from, to] = [row * vectors.cols, (masked + row) * V.cols + masked];
    for (let feature = 0; feature < kept.length; feature += 1) V.data[to + feature] = vectors.data[from + kept[feature]];
  }
  lambda.set(kept.map((feature) => importance[feature]), masked);
  return { V, lambda };
}

/** |v^T a v| for every column v of `vectors`. */
function quadraticForms(a: Matrix, vectors: Matrix): Float64Array {
  const image = multiply(a, vectors);
  const forms = new Float64Array(vectors.cols);
  for (let at = 0; at < image.data.length; at += 1) forms[at % vectors.cols] += vectors.data[at] * image.data[at];
  return forms.map(Math.abs);
}
