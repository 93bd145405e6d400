/**
 * @file Edges through a layer of piecewise linear activations. There a slope is one of two numbers, a' = low + (high - low) b with b = 1 where
 * the neuron fires (its pre-activation is positive), so the moments of slopePairs.ts follow from the sums
 *
 *   B_j,ac = sum of f_j^2 over the samples in which the neurons a and c both fire,
 *
 * which need no multiplication: an engine that has `jointSums` adds up eight samples at once.
 */

import type { Engine } from "../../../../engine/engine";
import { pairCount } from "../../../../engine/shapes";
import { transpose } from "../../../linalg/arrange";
import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";
import { addingCost, edgesOfPairMoments, type PairMoments } from "./pairMoments";
import { fillSecondMoment, firstMoment, twoSlopes, type TwoSlopes } from "./slopes";

/** Whether the engine and the activation allow it. */
export const canUseFiringPairs = ({ section, points }: EdgesTask, { activation }: HiddenLayer): boolean =>
  section.engine.jointSums !== undefined && twoSlopes(activation, points) !== null;

/** Bytes that the sums take in float64 and, of one chunk, in the engine's precision, in the kernel's memory and as a tensor. */
export const firingPairBytes = ({ into }: HiddenLayer): number => into.rows * pairCount(into.cols) * 24;

/** Features that are added up in one go. */
const featuresTogether = 32;
/** Additions of one feature and pair cost what this many operations of a matrix product do, both on two threads: 10 ps at 100 GFLOP/s (docs/backends.md). */
const operationsPerAddition = 1;

/** Arithmetic per sample, as slopePairCost of slopePairs.ts counts it. */
export const firingPairCost = (layer: HiddenLayer, engine: Engine, samples: number): Arithmetic => {
  const pairs = pairCount(layer.into.cols);
  return {
    products: operationsPerAddition * pairs * Math.ceil(layer.into.rows / featuresTogether) * featuresTogether,
    passes: addingCost(engine, additionsOf(layer), additionsOf(layer), samples),
  };
};

/** Additions per sample; one takes no longer than a multiplication of own kernels, which a chunk's length is counted in. */
const additionsOf = ({ into }: HiddenLayer): number => pairCount(into.cols) * into.rows;

/** E [r', r] (method section 3.1). Only where canUseFiringPairs says so. */
export async function edgesByFiringPairs(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const { rows: inputs, cols: hidden } = layer.into;
  const slopes = twoSlopes(layer.activation, task.points)!;
  const firing = matrix(pairCount(hidden), inputs);
  const squares = matrix(1, inputs);
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, 2 * inputs + 2 * hidden, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [sum, pairs] = engine.tidy(() => {
      const z = engine.matMul(x, C);
      const square = engine.square(z);
      return [engine.sum(square, [0]), engine.jointSums!(square, engine.matMul(z, into))] as const;
    });
    await engine.addTo(squares.data, sum);
    await engine.addTo(firing.data, pairs);
    engine.dispose(sum, pairs);
    rows += x.shape[0];
  }, additionsOf(layer)), task.progress);
  engine.dispose(C, into);
  return scale(edgesOfPairMoments(momentsOf(firing, squares, hidden, slopes), layer, engine.precision, () => task.checkCancelled()), 1 / rows);
}

/** @param firing B [pairs, r] */
function momentsOf(firing: Matrix, squares: Matrix, hidden: number, two: TwoSlopes): PairMoments {
  const byInput = transpose(firing);
  const pairsOfInput = (input: number): Float64Array => byInput.data.subarray(input * byInput.cols, (input + 1) * byInput.cols);
  const slopes = matrix(byInput.rows, hidden);
  for (let input = 0; input < byInput.rows; input += 1) slopes.data.set(firstMoment(two, squares.data[input], pairsOfInput(input), hidden), input * hidden);
  return { slopes, squares, fill: (input, moment) => fillSecondMoment(two, squares.data[input], pairsOfInput(input), hidden, moment) };
}
