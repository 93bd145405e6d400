/**
 * @file Edges through one layer of elementwise activations: per sample A = diag(f_hat) (L diag(a') R + constant), where
 * L = C_pinv A leads from the features into the layer and R from there to the next features (method section 3.6). The smaller
 * outer side is stacked with the samples, so that a chunk is one large matrix product.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import type { Matrix } from "../../linalg/matrix";
import type { ActivationFunction } from "../../network/activationFunction";
import type { EdgesTask } from "../sectionPlan";
import { asRows, forEachChunk } from "./chunks";
import { toTensor } from "./matrices";
import { integratedSlope } from "./slopes";
import { SquareSums, type AttributionOrder } from "./squareSums";

export interface HiddenLayer {
  /** L [r, h]: features to pre-activations. */
  readonly into: Matrix;
  readonly activation: ActivationFunction;
  /** R [h, r']: activations to features of the next layer. */
  readonly outOf: Matrix;
  /** [r, r']: what by-passes the layer; null for nothing. */
  readonly constant: Matrix | null;
}

/** E [r', r] (method section 3.1) */
export async function edgesThroughHidden(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const inputs = layer.into.rows;
  const hidden = layer.into.cols;
  const outputs = layer.outOf.cols;
  const order: AttributionOrder = outputs <= inputs ? "out,in" : "in,out";
  const constant = layer.constant && (order === "out,in" ? transpose(layer.constant) : layer.constant);
  const sums = new SquareSums(outputs, inputs, order);
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  const outOf = toTensor(engine, layer.outOf);
  const stacked = order === "out,in" ? engine.transpose(outOf, [1, 0]) : into;
  const valuesPerRow = Math.min(inputs, outputs) * hidden + inputs * outputs + 3 * hidden + 2 * inputs;
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachChunk(engine, batch, valuesPerRow * batch.shape[1], task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [features, jacobians] = engine.tidy(() => {
      const z = engine.matMul(asRows(engine, x), C);
      const slope = integratedSlope(engine, layer.activation, engine.matMul(z, into), task.points);
      const gated = scaledRows(engine, slope, stacked);
      return [z, order === "out,in" ? engine.matMul(gated, into, { transposeB: true }) : engine.matMul(gated, outOf)] as const;
    });
    const jacobianValues = await engine.read(jacobians);
    const featureValues = await engine.read(features);
    engine.dispose(features, jacobians);
    sums.addScaled(jacobianValues, featureValues, constant);
    rows += x.shape[0] * x.shape[1];
  }), task.progress);
  engine.dispose(C, into, outOf, stacked);
  return sums.mean(rows);
}

/** slope [n, h], rows [p, h] -> [n p, h]: row (n, p) is slope_n times rows_p. */
function scaledRows(engine: Engine, slope: Tensor, rows: Tensor): Tensor {
  const [samples, hidden] = slope.shape as [number, number];
  const count = rows.shape[0];
  const product = engine.mul(engine.reshape(slope, [samples, 1, hidden]), engine.reshape(rows, [1, count, hidden]));
  return engine.reshape(product, [samples * count, hidden]);
}
