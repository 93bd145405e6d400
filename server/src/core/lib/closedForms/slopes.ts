/**
 * @file Integrated slopes of elementwise activations and their second moments over the data. Because a section's Jacobian is
 * linear in the slopes, sum_a w_a act'(alpha_a p) stands for every integration rule of method section 2.4.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { accumulate, rescale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { activationSlope, type ActivationFunction } from "../../network/activationFunction";
import type { JacobianGramTask } from "../plans/sectionPlan";
import type { IntegrationPoint } from "../sources/integration";
import { forEachRows } from "./chunks";
import { toTensor } from "./matrices";

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

export interface SlopeMoments {
  /** mean a' [1, h] */
  readonly mean: Matrix;
  /** Sg = mean a' a'^T [h, h]; for relu the co-firing frequencies of the neurons. */
  readonly second: Matrix;
}

/** Moments of the slopes of act(x W), over data and positions. */
export async function slopeMoments(task: JacobianGramTask, weight: Matrix, activation: ActivationFunction): Promise<SlopeMoments> {
  const { engine } = task.section;
  const hidden = weight.cols;
  const mean = matrix(1, hidden);
  const second = matrix(hidden, hidden);
  const weights = toTensor(engine, weight);
  let rows = 0;
  try {
    await task.activations.forEachBatch((batch) => forEachRows(engine, batch, 3 * hidden, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const [sum, products] = engine.tidy(() => {
        const slope = integratedSlope(engine, activation, engine.matMul(x, weights), task.points);
        return [engine.sum(slope, [0]), engine.matMul(slope, slope, { transposeA: true })] as const;
      });
      accumulate(mean, await engine.read(sum));
      accumulate(second, await engine.read(products));
      engine.dispose(sum, products);
      rows += x.shape[0];
    }, hidden * (weight.rows + hidden)), task.progress);
  } finally {
    engine.dispose(weights);
  }
  return { mean: rescale(mean, 1 / rows), second: rescale(second, 1 / rows) };
}
