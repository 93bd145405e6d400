/** @file Second rotation V and importance Lambda (method section 2.5): the eigenvectors of the Jacobian Gram in whitened coordinates. */

import { slice } from "../../linalg/arrange";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { svd } from "../../linalg/svd";
import { symmetricEigen } from "../../linalg/symmetricEigen";
import type { Threshold } from "../options";
import { smallestKept } from "./pca";

export interface SecondRotation {
  /** [m, r]; the masked features keep their unit vectors and come first. */
  readonly V: Matrix;
  /** [r]: masked features first, then descending. */
  readonly lambda: Float64Array;
}

/** M = R_pinv M' R_pinv^T [m, m], or a factor B [m, k] of it, M = B B^T. */
export type WhitenedGram = { readonly whole: Matrix } | { readonly factor: Matrix };

/**
 * @param masked leading features that stay features of their own: their correlation with the others is ignored, and they are never dropped
 * @param threshold features whose Lambda does not exceed it are dropped; relative to the largest non-masked Lambda
 * @param interaction R_pinv Lambda' R [m, m] of the older basis formulas (method section 2.7), whose Lambda is |diag(V^T interaction V)|;
 *   null for `jacobian`, whose Lambda are the eigenvalues of M
 */
export function secondRotation(
  M: WhitenedGram, masked: number, threshold: Threshold, interaction: Matrix | null = null, checkCancelled = (): void => undefined,
): SecondRotation {
  const size = ("factor" in M ? M.factor : M.whole).rows;
  const { values, vectors } = eigenpairs(M, masked, checkCancelled);
  const importance = interaction ? quadraticForms(slice(interaction, masked, size, masked, size), vectors) : values;
  const order = Array.from(importance.keys()).sort((a, b) => importance[b] - importance[a]);
  const smallest = smallestKept(threshold, importance[order[0]] ?? 0);
  const kept = order.filter((feature) => importance[feature] > Math.max(0, smallest));

  const V = matrix(size, masked + kept.length);
  const lambda = new Float64Array(masked + kept.length);
  const ownImportance = (feature: number): number => {
    if (interaction) return Math.abs(interaction.data[feature * size + feature]);
    if ("whole" in M) return Math.max(0, M.whole.data[feature * size + feature]);
    const { data, cols } = M.factor;
    return data.subarray(feature * cols, (feature + 1) * cols).reduce((sum, value) => sum + value * value, 0);
  };
  for (let feature = 0; feature < masked; feature += 1) {
    V.data[feature * V.cols + feature] = 1;
    lambda[feature] = ownImportance(feature);
  }
  for (let row = 0; row < vectors.rows; row += 1) {
    const [from, to] = [row * vectors.cols, (masked + row) * V.cols + masked];
    for (let feature = 0; feature < kept.length; feature += 1) V.data[to + feature] = vectors.data[from + kept[feature]];
  }
  lambda.set(kept.map((feature) => importance[feature]), masked);
  return { V, lambda };
}

/** Eigenvalues above rounding and their eigenvectors (columns), without the masked features. Those of a factor are its singular values and vectors. */
function eigenpairs(M: WhitenedGram, masked: number, checkCancelled: () => void): { values: Float64Array; vectors: Matrix } {
  if ("whole" in M) return symmetricEigen(M.whole, { part: { first: masked, end: M.whole.rows }, asymmetry: "average", checkCancelled });
  const { rows, cols } = M.factor;
  const { values, left } = svd(slice(M.factor, masked, rows, 0, cols));
  return { values: values.subarray(0, left.cols).map((value) => value * value), vectors: left };
}

/** |v^T a v| for every column v of `vectors`. */
function quadraticForms(a: Matrix, vectors: Matrix): Float64Array {
  const image = multiply(a, vectors);
  const forms = new Float64Array(vectors.cols);
  for (let at = 0; at < image.data.length; at += 1) forms[at % vectors.cols] += vectors.data[at] * image.data[at];
  return forms.map(Math.abs);
}
