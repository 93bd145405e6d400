/**
 * @file Edges to features that read one neuron each: the neuron basis of the next layer. With the notation of hiddenLayer.ts and a the neuron that
 * feature i reads,
 *
 *   E_ij = mean f_j^2 (L_ja a'_a R_ai + K_ji)^2 = (L_ja R_ai)^2 Q_ja + 2 L_ja R_ai K_ji U_ja + K_ji^2 mean f_j^2
 *
 * with Q_ja = mean f_j^2 a'_a^2 and U_ja = mean f_j^2 a'_a: two matrix products of squared features with slopes.
 */

import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";
import { integratedSlope } from "./slopes";

/** For each column of R [h, r'] the neuron that it reads (any one where it reads none); null where a column reads several. */
export function singleNeurons({ outOf }: HiddenLayer): Int32Array | null {
  const neurons = new Int32Array(outOf.cols);
  const read = new Uint8Array(outOf.cols);
  for (let a = 0, at = 0; a < outOf.rows; a += 1) {
    for (let i = 0; i < outOf.cols; i += 1, at += 1) {
      if (outOf.data[at] === 0) continue;
      if (read[i] === 1) return null;
      read[i] = 1;
      neurons[i] = a;
    }
  }
  return neurons;
}

/** Arithmetic per sample. */
export const singleNeuronCost = ({ into: { rows: inputs, cols: hidden } }: HiddenLayer): Arithmetic => ({ products: 4 * inputs * hidden, passes: inputs + hidden });

/** E [r', r] (method section 3.1). @param neurons of singleNeurons */
export async function edgesToSingleNeurons(task: EdgesTask, layer: HiddenLayer, neurons: Int32Array): Promise<Matrix> {
  const { engine } = task.section;
  const { rows: inputs, cols: hidden } = layer.into;
  const [squares, first, second] = [matrix(1, inputs), matrix(inputs, hidden), matrix(inputs, hidden)];
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, 2 * inputs + 3 * hidden, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const sums = engine.tidy(() => {
      const z = engine.matMul(x, C);
      const slope = integratedSlope(engine, layer.activation, engine.matMul(z, into), task.points);
      const square = engine.square(z);
      return [engine.sum(square, [0]), ...[slope, engine.square(slope)].map((power) => engine.matMul(square, power, { transposeA: true }))];
    });
    for (const [place, total] of [squares, first, second].entries()) await engine.addTo(total.data, sums[place]);
    engine.dispose(...sums);
    rows += x.shape[0];
  }, inputs * hidden), task.progress);
  engine.dispose(C, into);
  return scale(contracted({ squares, first, second }, layer, neurons), 1 / rows);
}

/**
 * As the variance of L_ja R_ai a'_a plus the square of the mean of the entry, so that nothing cancels but where a variance vanishes.
 * @param sums over samples of f_j^2 [1, r], f_j^2 a' and f_j^2 a'^2 [r, h]
 */
function contracted(sums: { squares: Matrix; first: Matrix; second: Matrix }, { into, outOf, constant }: HiddenLayer, neurons: Int32Array): Matrix {
  const [inputs, outputs] = [into.rows, outOf.cols];
  const edges = matrix(outputs, inputs);
  for (let i = 0; i < outputs; i += 1) {
    const a = neurons[i];
    for (let j = 0; j < inputs; j += 1) {
      const total = sums.squares.data[j];
      if (total === 0) continue;
      const at = j * into.cols + a;
      const weight = into.data[at] * outOf.data[a * outputs + i];
      const slope = sums.first.data[at] / total;
      const mean = weight * slope + (constant === null ? 0 : constant.data[j * outputs + i]);
      edges.data[i * inputs + j] = weight * weight * Math.max(0, sums.second.data[at] - slope * sums.first.data[at]) + total * mean * mean;
    }
  }
  return edges;
}
