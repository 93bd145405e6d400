/** @file Chosen features and the parts of weights that belong to them. */

import type { Engine, Tensor } from "../../../engine/engine";
import { selectColumns, selectRows } from "../../linalg/arrange";
import type { Matrix } from "../../linalg/matrix";
import { toTensor } from "../closedForms/matrices";

/** The chosen rows [k, n] of features [r, n]. */
export function chosen(engine: Engine, features: Tensor, inputs: readonly number[]): Tensor {
  return inputs.length === features.shape[0] ? features : engine.gather(features, Int32Array.from(inputs));
}

/** features^T weight: [k, n], [k, m] -> [n, m] */
export const times = (engine: Engine, features: Tensor, weight: Matrix): Tensor => engine.matMul(features, toTensor(engine, weight), { transposeA: true });

/** The chosen rows and columns; all where null. */
export function part(a: Matrix, rows: readonly number[] | null, columns: readonly number[] | null): Matrix {
  const chosenRows = rows && rows.length < a.rows ? selectRows(a, rows) : a;
  return columns ? selectColumns(chosenRows, columns) : chosenRows;
}
