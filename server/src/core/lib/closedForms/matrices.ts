/** @file Small matrix helpers shared by the closed forms. */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { identity, scaleColumns } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { symmetricEigen } from "../../linalg/symmetricEigen";

/** The matrix as a tensor [rows, cols] in the precision of the engine. */
export const toTensor = (engine: Engine, a: Matrix): Tensor => engine.tensor(a.data, [a.rows, a.cols]);

/** a C, or a itself when the next layer has no basis. */
export const times = (a: Matrix, nextC: Matrix | null): Matrix => (nextC ? multiply(a, nextC) : a);

/** P = C C^T; the identity when the next layer has no basis. */
export const outputMetric = (nextC: Matrix | null, width: number): Matrix => (
  nextC ? multiply(nextC, nextC, { transposeB: true }) : identity(width)
);

/** left inner right^T */
export const sandwich = (left: Matrix, inner: Matrix, right: Matrix): Matrix => multiply(multiply(left, inner), right, { transposeB: true });

/** Whether M' of a section that starts with x W has so small a rank that a factor of it is worth having. */
export const isNarrow = (W: Matrix): boolean => 2 * W.cols < W.rows;

/** K with K K^T = a, for a symmetric, positive semi-definite a [n, n]: [n, n]. */
export function symmetricFactor(a: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(a, { asymmetry: "average" });
  return scaleColumns(vectors, values.map((value) => Math.sqrt(Math.max(0, value))));
}

/** a + a^T */
export function withTranspose(a: Matrix): Matrix {
  const result = transpose(a);
  for (let i = 0; i < result.data.length; i += 1) result.data[i] += a.data[i];
  return result;
}
