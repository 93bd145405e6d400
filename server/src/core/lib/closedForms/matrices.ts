/** @file Small matrix helpers shared by the closed forms. */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { identity } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";

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

/** a + a^T */
export function withTranspose(a: Matrix): Matrix {
  const result = transpose(a);
  for (let i = 0; i < result.data.length; i += 1) result.data[i] += a.data[i];
  return result;
}
