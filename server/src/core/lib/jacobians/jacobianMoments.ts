/** @file Mean and mean square of a section's Jacobian between features, by the cheapest exact way its structure allows. */

import { place, transpose } from "../../linalg/arrange";
import { add, identity, scale, scaleColumns } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { forEachRows } from "../closedForms/chunks";
import type { HiddenLayer } from "../closedForms/hidden/hiddenLayer";
import { integratedSlope } from "../closedForms/hidden/slopes";
import { cheapestWay, type SquaredJacobians } from "../closedForms/hidden/squaredJacobians";
import { times, toTensor } from "../closedForms/matrices";
import { tokenMoments } from "../closedForms/tokens/tokenMoments";
import { tokenForm } from "../closedForms/tokens/tokenPlans";
import type { EdgesTask } from "../plans/sectionPlan";
import {
  addSourceRows, chunkCotangent, chunkSizes, featuresOfOutput, integratedVjp, isPositionWise, positionsAsSamples, runsAlong, sourceChunks, tensorsOfRuns,
} from "../sources/sourceChunks";
import { attentionMoments } from "./attentionMoments";
import { normAttentionMoments } from "./normAttentionMoments";

/** Both [r', r]: averaged over samples and output positions, summed over input positions. */
export interface JacobianMoments {
  readonly mean: Matrix;
  readonly meanSquare: Matrix;
}

/** The Jacobian is taken at the activations themselves, not at their projection to the features. */
export function jacobianMoments(task: EdgesTask): Promise<JacobianMoments> {
  const { structure } = task.section;
  const into = (weight: Matrix): Matrix => multiply(task.features.CPinv, weight);
  switch (structure.kind) {
    case "affine": {
      const mean = transpose(times(into(structure.W), task.nextC));
      return Promise.resolve({ mean, meanSquare: matrix(mean.rows, mean.cols, mean.data.map((entry) => entry * entry)) });
    }
    case "affine-activation":
      return throughHidden(task, structure.W, {
        into: into(structure.W), activation: structure.activation, outOf: task.nextC ?? identity(structure.W.cols), constant: null,
      });
    case "mlp-skip":
      return throughHidden(task, structure.A, {
        into: into(structure.A), activation: structure.activation, outOf: times(structure.B, task.nextC),
        constant: times(into(structure.skip), task.nextC),
      });
    case "gated-mlp-skip":
    case "norm":
    case "norm-mlp":
      return tokenMoments(task, tokenForm(structure), "jacobian");
    case "attention-skip":
      return attentionMoments(task, structure);
    case "norm-attention":
      return normAttentionMoments(task, structure);
    case "general":
      return byVjp(task);
  }
}

/** J = constant + L diag(a') R per sample. @param weight from the activations to the hidden layer */
async function throughHidden(task: EdgesTask, weight: Matrix, layer: HiddenLayer): Promise<JacobianMoments> {
  const mean = matrix(layer.outOf.cols, layer.into.rows);
  const meanSquare = matrix(mean.rows, mean.cols);
  const way = cheapestWay(task, layer);
  for (const part of way.parts()) {
    const moments = await toOutputs({ ...task, progress: (fraction) => task.progress(part.overall(fraction)) }, weight, part.layer, way.open(part.layer));
    place(mean, moments.mean, part.first, 0);
    place(meanSquare, moments.meanSquare, part.first, 0);
  }
  return { mean, meanSquare };
}

async function toOutputs(task: EdgesTask, weight: Matrix, layer: HiddenLayer, squares: SquaredJacobians): Promise<JacobianMoments> {
  const { engine } = task.section;
  const slopes = matrix(1, weight.cols);
  const weights = toTensor(engine, weight);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, squares.valuesPerRow, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [slope, sum] = engine.tidy(() => {
      const values = integratedSlope(engine, layer.activation, engine.matMul(x, weights), task.points);
      return [values, engine.sum(values, [0])] as const;
    });
    await engine.addTo(slopes.data, sum);
    await squares.add(slope, null);
    engine.dispose(slope, sum);
    rows += x.shape[0];
  }, squares.multiplicationsPerRow), task.progress);
  squares.dispose();
  engine.dispose(weights);
  const through = multiply(scaleColumns(layer.into, slopes.data.map((value) => value / rows)), layer.outOf);
  return { mean: transpose(layer.constant ? add(through, layer.constant) : through), meanSquare: squares.mean(rows) };
}

/** Vector-Jacobian products of all output features. */
async function byVjp(task: EdgesTask): Promise<JacobianMoments> {
  const { section, points } = task;
  const { engine } = section;
  const nextC = featuresOfOutput(section, task.nextC);
  const CPinv = toTensor(engine, task.features.CPinv);
  const mean = matrix(nextC.cols, task.features.CPinv.rows);
  const meanSquare = matrix(mean.rows, mean.cols);
  let answers = 0;
  await task.activations.forEachBatch(async (batch) => {
    const samples = isPositionWise(section) ? positionsAsSamples(engine, batch) : batch;
    const sizes = chunkSizes(section, samples.shape[1], samples.shape[0], nextC.cols, task);
    const [count, positions, width] = samples.shape as [number, number, number];
    for (let start = 0; start < count; start += sizes.samples) {
      const part = Math.min(sizes.samples, count - start);
      const runs = engine.tidy(() => runsAlong(section, engine.slice(samples, [start, 0, 0], [part, positions, width]), points));
      const outputs = runs[0].output.shape[1];
      for (const chunk of sourceChunks(outputs, nextC.cols, sizes.sources)) {
        task.checkCancelled();
        const { sum, squares, repeated } = engine.tidy(() => {
          const jacobian = engine.matMul(integratedVjp(section, runs, points, chunkCotangent(engine, nextC, chunk, outputs)), CPinv, { transposeB: true });
          return { sum: engine.sum(jacobian, [0, 2]), squares: engine.sum(engine.square(jacobian), [0, 2]), repeated: part / jacobian.shape[0] };
        });
        addSourceRows(mean, chunk, await engine.read(sum), repeated);
        addSourceRows(meanSquare, chunk, await engine.read(squares), repeated);
        engine.dispose(sum, squares);
      }
      answers += part * outputs;
      engine.dispose(...tensorsOfRuns(runs));
    }
    if (samples !== batch) engine.dispose(samples);
  }, task.progress);
  engine.dispose(CPinv);
  return { mean: scale(mean, 1 / answers), meanSquare: scale(meanSquare, 1 / answers) };
}
