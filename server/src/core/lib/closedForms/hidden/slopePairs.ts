/**
 * @file Edges through one layer of elementwise activations without any Jacobian per sample. With the notation of hiddenLayer.ts and scaledProducts.ts,
 *
 *   E_ij = mean f_j^2 (sum_a L_ja a'_a R_ai + K_ji)^2
 *        = sum_ac L_ja R_ai L_jc R_ci T_j,ac + 2 K_ji sum_a L_ja R_ai U_ja + K_ji^2 mean f_j^2,
 *
 * where T_j,ac = mean f_j^2 a'_a a'_c and U_ja = mean f_j^2 a'_a. T is one matrix product of squared features with pairs of slopes,
 * so the cost per sample is r h^2 / 2 instead of r r' h, and nothing is done per sample and edge. All terms of T have one sign for
 * piecewise linear activations, so a product of a chunk keeps its digits in the engine's precision; chunks add up in float64, where the
 * terms of E cancel.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";
import { addingCost, edgesOfPairMoments } from "./pairMoments";
import { integratedSlope } from "./slopes";

/** Neurons whose pairs with all later ones are formed together: few enough that the pairs stay near the processor. */
const blockSize = 8;

/** Neurons a of a block, `first` .. `last` - 1; each is paired with all c >= first. */
interface PairBlock { readonly first: number; readonly last: number }

function pairBlocks(hidden: number): PairBlock[] {
  return Array.from({ length: Math.ceil(hidden / blockSize) }, (_, block) => (
    { first: block * blockSize, last: Math.min(hidden, (block + 1) * blockSize) }
  ));
}

/** Sums over samples of f_j^2 times pairs of slopes, slopes, and 1. */
interface WeightedMoments {
  /** Per block [r, neurons of the block, h - first]. */
  readonly pairs: readonly Matrix[];
  /** [r, h] */
  readonly slopes: Matrix;
  /** [1, r] */
  readonly squares: Matrix;
}

const pairsOf = (hidden: number): number => pairBlocks(hidden).reduce((sum, { first, last }) => sum + (last - first) * (hidden - first), 0);

/** Bytes that the sums take; the caller keeps this below the memory budget. */
export const slopePairBytes = ({ into }: HiddenLayer): number => into.rows * (pairsOf(into.cols) + into.cols + 1) * 8;

/** Multiplications of the longest product of a chunk, per sample: one block of pairs. */
const longestProduct = ({ into }: HiddenLayer): number => into.rows * blockSize * into.cols;

/** Arithmetic per sample in matrix products and in passes over single numbers. @param samples over which the sums are taken */
export const slopePairCost = (layer: HiddenLayer, engine: Engine, samples: number): Arithmetic => {
  const { rows: inputs, cols: hidden } = layer.into;
  const pairs = pairsOf(hidden);
  return { products: 2 * inputs * (pairs + hidden), passes: pairs + addingCost(engine, inputs * pairs, longestProduct(layer), samples) };
};

/** E [r', r] (method section 3.1) */
export async function edgesBySlopePairs(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const { rows: inputs, cols: hidden } = layer.into;
  const blocks = pairBlocks(hidden);
  const sums: WeightedMoments = {
    pairs: blocks.map(({ first, last }) => matrix(inputs, (last - first) * (hidden - first))),
    slopes: matrix(inputs, hidden),
    squares: matrix(1, inputs),
  };
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, 2 * blockSize * hidden, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [squares, slopes] = engine.tidy(() => {
      const z = engine.matMul(x, C);
      const slope = integratedSlope(engine, layer.activation, engine.matMul(z, into), task.points);
      return [engine.transpose(engine.square(z), [1, 0]), engine.transpose(slope, [1, 0])] as const;
    });
    await addMoments(engine, sums, blocks, squares, slopes, () => task.checkCancelled());
    engine.dispose(squares, slopes);
    rows += x.shape[0];
  }, longestProduct(layer)), task.progress);
  engine.dispose(C, into);
  const filled = (input: number, moment: Float64Array): void => fillMoment(moment, hidden, sums.pairs, input);
  return scale(edgesOfPairMoments({ fill: filled, slopes: sums.slopes, squares: sums.squares }, layer, engine.precision, () => task.checkCancelled()), 1 / rows);
}

/** @param squares f^2 [r, n] @param slopes a' [h, n] */
async function addMoments(
  engine: Engine, sums: WeightedMoments, blocks: readonly PairBlock[], squares: Tensor, slopes: Tensor, checkCancelled: () => void,
): Promise<void> {
  const [hidden, samples] = slopes.shape as [number, number];
  const add = async (total: Matrix, part: Tensor): Promise<void> => {
    await engine.addTo(total.data, part);
    engine.dispose(part);
  };
  for (const [place, { first, last }] of blocks.entries()) {
    checkCancelled();
    await add(sums.pairs[place], engine.tidy(() => {
      const block = engine.reshape(engine.slice(slopes, [first, 0], [last - first, samples]), [last - first, 1, samples]);
      const later = engine.reshape(engine.slice(slopes, [first, 0], [hidden - first, samples]), [1, hidden - first, samples]);
      const pairs = engine.reshape(engine.mul(block, later), [(last - first) * (hidden - first), samples]);
      return engine.matMul(squares, pairs, { transposeB: true });
    }));
  }
  await add(sums.slopes, engine.matMul(squares, slopes, { transposeB: true }));
  await add(sums.squares, engine.sum(squares, [1]));
}

/** T_j [h, h] of one input feature, both halves. */
function fillMoment(moment: Float64Array, hidden: number, pairs: readonly Matrix[], input: number): void {
  for (const [place, { first, last }] of pairBlocks(hidden).entries()) {
    const { data, cols } = pairs[place];
    for (let a = first, at = input * cols; a < last; a += 1) {
      for (let c = first; c < hidden; c += 1, at += 1) moment[a * hidden + c] = moment[c * hidden + a] = data[at];
    }
  }
}
