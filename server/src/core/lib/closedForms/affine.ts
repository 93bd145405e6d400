/** @file Closed forms of sections that are one linear map, y = x W (method sections 2.10 and 3.6). */

import { transpose } from "../../linalg/arrange";
import { scaleRows } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { SectionStructure } from "../../network/sectionStructure";
import type { EdgesTask, JacobianGramTask, SectionPlan } from "../plans/sectionPlan";
import { asRows } from "./chunks";
import { isNarrow, outputMetric, sandwich, times, toTensor } from "./matrices";

type Affine = Extract<SectionStructure, { kind: "affine" }>;

/** With C' of the next layer: M' = W C' C'^T W^T, and E[i,j] = (C_pinv W C')[j,i]^2 times the mean square of feature j. */
export function affinePlan({ W }: Affine): SectionPlan {
  return {
    path: "closed form of a linear section (one product of its weights, no data)",
    jacobianGram: (task) => {
      task.checkCancelled();
      task.progress(1);
      return Promise.resolve(sandwich(W, outputMetric(task.nextC, W.cols), W));
    },
    ...(isNarrow(W) ? { gramFactor: (task: JacobianGramTask) => {
      task.checkCancelled();
      task.progress(1);
      return Promise.resolve(times(W, task.nextC));
    } } : {}),
    edges: async (task) => {
      const moments = await meanSquaredFeatures(task);
      const jacobian = times(multiply(task.features.CPinv, W), task.nextC);
      const squares = matrix(jacobian.rows, jacobian.cols, jacobian.data.map((entry) => entry * entry));
      return transpose(scaleRows(squares, moments));
    },
  };
}

/** Mean over data and positions of every feature's square [r]. */
async function meanSquaredFeatures(task: EdgesTask): Promise<Float64Array> {
  const { engine } = task.section;
  const C: Matrix = task.features.C;
  const sums = new Float64Array(C.cols);
  const weights = toTensor(engine, C);
  let rows = 0;
  await task.activations.forEachBatch(async (x) => {
    const features = engine.tidy(() => engine.matMul(asRows(engine, x), weights));
    const values = await engine.read(features);
    engine.dispose(features);
    for (let at = 0; at < values.length;) for (let j = 0; j < sums.length; j += 1, at += 1) sums[j] += values[at] * values[at];
    rows += features.shape[0];
  }, task.progress);
  engine.dispose(weights);
  return sums.map((sum) => sum / rows);
}
