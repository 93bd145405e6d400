/**
 * @file Edges through one layer of elementwise activations without any Jacobian per sample. With the notation of scaledProducts.ts,
 *
 *   E_ij = mean f_j^2 (sum_a L_ja a'_a R_ai + K_ji)^2
 *        = sum_ac L_ja R_ai L_jc R_ci T_j,ac + 2 K_ji sum_a L_ja R_ai U_ja + K_ji^2 mean f_j^2,
 *
 * where T_j,ac = mean f_j^2 a'_a a'_c and U_ja = mean f_j^2 a'_a. T is one matrix product of squared features with pairs of slopes,
 * so the cost per sample is r h^2 / 2 instead of r r' h, and nothing is done per sample and edge. The terms of E cancel, so the
 * products are float64 whatever the engine's precision.
 */

import type { FloatArray } from "../../../engine/engine";
import { accumulate, scale, scaleColumns } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { transpose } from "../../linalg/arrange";
import type { EdgesTask } from "../sectionPlan";
import { asRows, forEachChunk } from "./chunks";
import { toTensor } from "./matrices";
import type { HiddenLayer } from "./scaledProducts";
import { integratedSlope } from "./slopes";

/** Sums over samples of f_j^2 times pairs of slopes (a <= c, row by row), slopes, and 1. */
interface WeightedMoments {
  /** [r, h (h + 1) / 2] */
  readonly pairs: Matrix;
  /** [r, h] */
  readonly slopes: Matrix;
  /** [r, 1] */
  readonly squares: Matrix;
}

const pairCount = (hidden: number): number => (hidden * (hidden + 1)) / 2;

/** Bytes that the sums take; the caller keeps this below the memory budget. */
export const slopePairBytes = ({ into }: HiddenLayer): number => into.rows * (pairCount(into.cols) + into.cols + 1) * 8;

/** Arithmetic per sample in matrix products (float64) and in passes over single numbers. */
export const slopePairCost = ({ into }: HiddenLayer): { products: number; passes: number } => ({
  products: 2 * into.rows * (pairCount(into.cols) + into.cols),
  passes: pairCount(into.cols),
});

/** E [r', r] (method section 3.1) */
export async function edgesBySlopePairs(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const { rows: inputs, cols: hidden } = layer.into;
  const sums: WeightedMoments = { pairs: matrix(inputs, pairCount(hidden)), slopes: matrix(inputs, hidden), squares: matrix(inputs, 1) };
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  let rows = 0;
  let pairs = new Float64Array(0);
  await task.activations.forEachBatch((batch) => forEachChunk(engine, batch, 2 * pairCount(hidden) * batch.shape[1], task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [features, slopes] = engine.tidy(() => {
      const z = engine.matMul(asRows(engine, x), C);
      return [z, integratedSlope(engine, layer.activation, engine.matMul(z, into), task.points)] as const;
    });
    const count = x.shape[0] * x.shape[1];
    if (pairs.length < count * pairCount(hidden)) pairs = new Float64Array(count * pairCount(hidden));
    addMoments(sums, await engine.read(features), await engine.read(slopes), pairs);
    engine.dispose(features, slopes);
    rows += count;
  }), task.progress);
  engine.dispose(C, into);
  return scale(contract(sums, layer), 1 / rows);
}

/** @param pairs room for the pairs of a chunk, used again by every chunk: zeroing new memory would cost as much as filling it */
function addMoments(sums: WeightedMoments, features: FloatArray, slopes: FloatArray, pairs: Float64Array): void {
  const inputs = sums.squares.rows;
  const hidden = sums.slopes.cols;
  const samples = features.length / inputs;
  const squares = matrix(samples, inputs);
  for (let at = 0; at < features.length; at += 1) squares.data[at] = features[at] * features[at];
  const slopeRows = matrix(samples, hidden, new Float64Array(slopes));
  const pairRows = matrix(samples, pairCount(hidden), pairs.subarray(0, samples * pairCount(hidden)));
  fillSlopePairs(slopeRows, pairRows);
  accumulate(sums.pairs, multiply(squares, pairRows, { transposeA: true }).data);
  accumulate(sums.slopes, multiply(squares, slopeRows, { transposeA: true }).data);
  accumulate(sums.squares, multiply(squares, matrix(samples, 1, new Float64Array(samples).fill(1)), { transposeA: true }).data);
}

/** slopes [n, h] -> pairs [n, h (h + 1) / 2]: a'_a a'_c for a <= c. */
function fillSlopePairs({ rows, cols, data }: Matrix, { data: pairs }: Matrix): void {
  for (let row = 0, at = 0; row < rows; row += 1) {
    const start = row * cols;
    for (let a = 0; a < cols; a += 1) {
      const slope = data[start + a];
      if (slope === 0) {
        // All pairs of a neuron that is off.
        pairs.fill(0, at, at + cols - a);
        at += cols - a;
      } else {
        for (let c = a; c < cols; c += 1, at += 1) pairs[at] = slope * data[start + c];
      }
    }
  }
}

/** The three terms of the file's equation, from the sums. */
function contract({ pairs, slopes, squares }: WeightedMoments, { into, outOf, constant }: HiddenLayer): Matrix {
  const { rows: inputs, cols: hidden } = into;
  const outputs = outOf.cols;
  const edges = matrix(outputs, inputs);
  const moment = matrix(hidden, hidden);
  const leaving = transpose(outOf);
  for (let input = 0; input < inputs; input += 1) {
    for (let a = 0, at = input * pairs.cols; a < hidden; a += 1) {
      for (let c = a; c < hidden; c += 1, at += 1) moment.data[a * hidden + c] = moment.data[c * hidden + a] = pairs.data[at];
    }
    // Rows: the weights L_ja R_ai with which the slopes reach output i.
    const ways = scaleColumns(leaving, into.data.subarray(input * hidden, (input + 1) * hidden));
    const spread = multiply(ways, moment);
    for (let output = 0; output < outputs; output += 1) {
      let quadratic = 0;
      let linear = 0;
      for (let a = 0; a < hidden; a += 1) {
        const way = ways.data[output * hidden + a];
        quadratic += way * spread.data[output * hidden + a];
        linear += way * slopes.data[input * hidden + a];
      }
      const bypass = constant === null ? 0 : constant.data[input * outputs + output];
      const square = quadratic + 2 * bypass * linear + bypass * bypass * squares.data[input];
      // A mean of squares; rounding may leave a vanishing one below zero.
      edges.data[output * inputs + input] = Math.max(0, square);
    }
  }
  return edges;
}
