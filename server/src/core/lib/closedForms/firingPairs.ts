/**
 * @file Edges through a layer of piecewise linear activations. There a slope is one of two numbers, a' = low + (high - low) b with b = 1 where
 * the neuron fires (its pre-activation is positive), so the moments of slopePairs.ts follow from the sums
 *
 *   B_j,ac = sum of f_j^2 over the samples in which the neurons a and c both fire,
 *
 * which need no multiplication: an engine that has `jointSums` adds up eight samples at once.
 */

import { accumulate, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { EdgesTask } from "../plans/sectionPlan";
import { asRows, forEachChunk } from "./chunks";
import { toTensor } from "./matrices";
import { edgesOfPairMoments } from "./pairMoments";
import type { HiddenLayer } from "./scaledProducts";
import { twoSlopes, type TwoSlopes } from "./slopes";

/** Whether the engine and the activation allow it. */
export const canUseFiringPairs = ({ section, points }: EdgesTask, { activation }: HiddenLayer): boolean =>
  section.engine.jointSums !== undefined && twoSlopes(activation, points) !== null;

const pairCount = (hidden: number): number => (hidden * (hidden + 1)) / 2;

/** Bytes that the sums take in float64 and, of one chunk, in the engine's precision. */
export const firingPairBytes = ({ into }: HiddenLayer): number => into.rows * pairCount(into.cols) * 16;

/** Features that are added up in one go. */
const featuresTogether = 32;
/** Additions of one feature and pair cost what this many operations of a matrix product do: 15 ps at 110 GFLOP/s (docs/backends.md). */
const operationsPerAddition = 1.6;

/** Arithmetic per sample, as slopePairCost of slopePairs.ts counts it. */
export const firingPairCost = ({ into }: HiddenLayer): { products: number; passes: number } => ({
  products: operationsPerAddition * pairCount(into.cols) * Math.ceil(into.rows / featuresTogether) * featuresTogether,
  passes: 0,
});

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
  await task.activations.forEachBatch((batch) => forEachChunk(engine, batch, (2 * inputs + 2 * hidden) * batch.shape[1], task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [sum, pairs] = engine.tidy(() => {
      const z = engine.matMul(asRows(engine, x), C);
      const square = engine.square(z);
      return [engine.sum(square, [0]), engine.jointSums!(square, engine.matMul(z, into))] as const;
    });
    accumulate(squares, await engine.read(sum));
    accumulate(firing, await engine.read(pairs));
    engine.dispose(sum, pairs);
    rows += x.shape[0] * x.shape[1];
  }), task.progress);
  engine.dispose(C, into);
  return scale(edgesOfPairMoments(momentsOf(firing, squares, hidden, slopes), layer, () => task.checkCancelled()), 1 / rows);
}

/** @param firing B [pairs, r] */
function momentsOf(firing: Matrix, squares: Matrix, hidden: number, { low, high }: TwoSlopes): Parameters<typeof edgesOfPairMoments>[0] {
  const inputs = firing.cols;
  const step = high - low;
  const pair = (a: number, c: number): number => a * hidden - (a * (a - 1)) / 2 + c - a;
  const alone = (input: number, a: number): number => firing.data[pair(a, a) * inputs + input];
  const slopes = matrix(inputs, hidden);
  for (let input = 0; input < inputs; input += 1) {
    for (let a = 0; a < hidden; a += 1) slopes.data[input * hidden + a] = low * squares.data[input] + step * alone(input, a);
  }
  return {
    slopes,
    squares,
    fill(input, moment) {
      for (let a = 0; a < hidden; a += 1) {
        const ownA = alone(input, a);
        for (let c = a, at = pair(a, a) * inputs + input; c < hidden; c += 1, at += inputs) {
          const both = low === 0
            ? step * step * firing.data[at]
            : low * low * squares.data[input] + low * step * (ownA + alone(input, c)) + step * step * firing.data[at];
          moment[a * hidden + c] = moment[c * hidden + a] = both;
        }
      }
    },
  };
}
