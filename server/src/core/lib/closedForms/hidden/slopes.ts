/**
 * @file Integrated slopes of elementwise activations and their second moments over the data. Because a section's Jacobian is
 * linear in the slopes, sum_a w_a act'(alpha_a p) stands for every integration rule of method section 2.4.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { firstPair, pairCount } from "../../../../engine/shapes";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { activationSlope, type ActivationFunction } from "../../../network/activationFunction";
import type { JacobianGramTask } from "../../plans/sectionPlan";
import type { IntegrationPoint } from "../../sources/integration";
import type { LayerActivations } from "../../statistics/activationSource";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";

/** p [n, h] pre-activations at the data -> [n, h] */
export function integratedSlope(
  engine: Engine, activation: ActivationFunction, preActivation: Tensor, points: readonly IntegrationPoint[],
): Tensor {
  return points
    .map(({ alpha, weight }) => {
      const slope = activationSlope(engine, activation, alpha === 1 ? preActivation : engine.affine(preActivation, alpha));
      return weight === 1 ? slope : engine.affine(slope, weight);
    })
    .reduce((sum, term) => engine.add(sum, term));
}

/** The two integrated slopes of a neuron with a piecewise linear activation. */
export interface TwoSlopes { readonly low: number; readonly high: number }

/** sum_w w act'(alpha p) for p <= 0 and p > 0; null for an activation that is not piecewise linear with its kink at 0. */
export function twoSlopes({ name, negativeSlope }: ActivationFunction, points: readonly IntegrationPoint[]): TwoSlopes | null {
  const before = name === "relu" ? 0 : name === "leaky_relu" ? negativeSlope ?? null : null;
  if (before === null) return null;
  const sum = (slope: (alpha: number) => number): number => points.reduce((total, { alpha, weight }) => total + weight * slope(alpha), 0);
  // At alpha = 0 every pre-activation is 0, where the slope is that before the kink.
  return { low: sum(() => before), high: sum((alpha) => (alpha > 0 ? 1 : before)) };
}

export interface SlopeMoments {
  /** mean a' [1, h] */
  readonly mean: Matrix;
  /** Sg = mean a' a'^T [h, h]; for relu the co-firing frequencies of the neurons. */
  readonly second: Matrix;
}

/** Moments of the slopes of act(x W), over data and positions. */
export async function slopeMoments(task: JacobianGramTask, weight: Matrix, activation: ActivationFunction): Promise<SlopeMoments> {
  const { engine } = task.section;
  const weights = toTensor(engine, weight);
  const two = twoSlopes(activation, task.points);
  try {
    if (two !== null && engine.jointCounts) return await momentsOfFiring(task, task.activations, weight, two, (x) => engine.matMul(x, weights));
    return await momentsOf(task, task.activations, weight, (x) => integratedSlope(engine, activation, engine.matMul(x, weights), task.points));
  } finally {
    engine.dispose(weights);
  }
}

/**
 * The same from the outputs y = act(x W), where they are at hand: a piecewise linear activation that grows on both sides, or is 0 before its
 * kink at 0, has a positive output just where its input is positive.
 */
export function slopeMomentsOfOutputs(task: JacobianGramTask, outputs: LayerActivations, weight: Matrix, two: TwoSlopes): Promise<SlopeMoments> {
  const { engine } = task.section;
  if (engine.jointCounts) return momentsOfFiring(task, outputs, weight, two, (y) => y);
  return momentsOf(task, outputs, weight, (y) => engine.affine(engine.activationDerivative("relu", y), two.high - two.low, two.low));
}

/** Samples that counting takes together: one word of bits. */
const samplesPerWord = 64;

/**
 * From how often two neurons fire together, which is counted and so exact: with a' = low + (high - low) b, mean b_a b_c is all that is needed.
 * @param firing positive where a neuron fires [n, h]
 */
async function momentsOfFiring(
  task: JacobianGramTask, activations: LayerActivations, weight: Matrix, two: TwoSlopes, firing: (rows: Tensor) => Tensor,
): Promise<SlopeMoments> {
  const { engine } = task.section;
  const hidden = weight.cols;
  const counts = new Float64Array(pairCount(hidden));
  let rows = 0;
  await activations.forEachBatch((batch) => forEachRows(engine, batch, 3 * hidden, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const found = engine.tidy(() => engine.jointCounts!(firing(x)));
    await engine.addTo(counts, found);
    engine.dispose(found);
    rows += x.shape[0];
  }, hidden * (weight.rows + hidden / samplesPerWord)), task.progress);
  const mean = matrix(1, hidden, firstMoment(two, rows, counts, hidden));
  const second = matrix(hidden, hidden);
  fillSecondMoment(two, rows, counts, hidden, second.data);
  return { mean: rescale(mean, 1 / rows), second: rescale(second, 1 / rows) };
}

/** Of sums over the samples in which two neurons fire together, in the order of pairs: those in which a neuron fires at all [h]. */
const alone = (pairs: Float64Array, hidden: number): Float64Array => Float64Array.from({ length: hidden }, (_, a) => pairs[firstPair(hidden, a)]);

/** sum w a' = low sum w + (high - low) sum w b [h]. @param total sum w over all samples @param pairs sum w b_a b_c */
export const firstMoment = ({ low, high }: TwoSlopes, total: number, pairs: Float64Array, hidden: number): Float64Array =>
  alone(pairs, hidden).map((sum) => low * total + (high - low) * sum);

/** Writes sum w a'_a a'_c [h, h], both halves, from the same sums. */
export function fillSecondMoment({ low, high }: TwoSlopes, total: number, pairs: Float64Array, hidden: number, moment: Float64Array): void {
  const step = high - low;
  const own = alone(pairs, hidden);
  const always = low * low * total;
  for (let a = 0, at = 0; a < hidden; a += 1) {
    for (let c = a; c < hidden; c += 1, at += 1) {
      moment[a * hidden + c] = moment[c * hidden + a] = always + low * step * (own[a] + own[c]) + step * step * pairs[at];
    }
  }
}

async function momentsOf(
  task: JacobianGramTask, activations: LayerActivations, weight: Matrix, slopesOf: (rows: Tensor) => Tensor,
): Promise<SlopeMoments> {
  const { engine } = task.section;
  const hidden = weight.cols;
  const mean = matrix(1, hidden);
  const second = matrix(hidden, hidden);
  let rows = 0;
  await activations.forEachBatch((batch) => forEachRows(engine, batch, 3 * hidden, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [sum, products] = engine.tidy(() => {
      const slope = slopesOf(x);
      return [engine.sum(slope, [0]), engine.matMul(slope, slope, { transposeA: true })] as const;
    });
    await engine.addTo(mean.data, sum);
    await engine.addTo(second.data, products);
    engine.dispose(sum, products);
    rows += x.shape[0];
  }, hidden * (weight.rows + hidden)), task.progress);
  return { mean: rescale(mean, 1 / rows), second: rescale(second, 1 / rows) };
}
