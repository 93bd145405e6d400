/**
 * @file Squared edges on the general path (method section 3.1; with random sources over output positions 3.2):
 * A[b,t,i,j] = sum over input positions and integration points of (dFhat_i / dz_j) z_j, E[i,j] = 1/(N S) sum over data and output positions of A^2.
 * The section runs on activations projected to the kept features, Fhat(z) = section(z @ CPinv) @ C of the next layer.
 */

import type { Tensor } from "../../../engine/engine";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { EdgesTask } from "../plans/sectionPlan";
import {
  addSourceRows, chunkSizes, exactSources, featuresOfOutput, integratedVjp, isPositionWise, positionsAsSamples, runsAlong, tensorsOfRuns, type Sources,
} from "../sources/sourceChunks";

/** E [features of the output, features of the input] in float64. @param random null for exact sources */
export async function edgesByVjp(task: EdgesTask, random: Sources | null = null): Promise<Matrix> {
  const { section, activations, features } = task;
  const { engine } = section;
  const sources = random ?? exactSources(engine, featuresOfOutput(section, task.nextC));
  let passed = 0;
  const total = matrix(featuresOfOutput(section, task.nextC).cols, features.C.cols);
  const C = engine.tensor(features.C.data, [features.C.rows, features.C.cols]);
  const CPinv = engine.tensor(features.CPinv.data, [features.CPinv.rows, features.CPinv.cols]);
  await activations.forEachBatch(async (x) => {
    const positions = x.shape[1];
    // Signs are drawn over the positions of a sample, which then stay together.
    const samples = random === null && isPositionWise(section) ? positionsAsSamples(engine, x) : x;
    await addBatch(task, sources, samples, passed, { C, CPinv }, total, 1 / (positions * sources.draws));
    passed += samples.shape[0];
    if (samples !== x) engine.dispose(samples);
  }, task.progress);
  engine.dispose(C, CPinv);
  for (let index = 0; index < total.data.length; index += 1) total.data[index] /= activations.samples;
  return total;
}

/** @param first place of the batch's first sample in the pass */
async function addBatch(
  task: EdgesTask, sources: Sources, x: Tensor, first: number, map: { C: Tensor; CPinv: Tensor }, total: Matrix, weight: number,
): Promise<void> {
  const { section, points } = task;
  const { engine } = section;
  const [samples, positions, width] = x.shape;
  const kept = total.cols;
  const sizes = chunkSizes(section, positions, samples, total.rows, task);
  for (let start = 0; start < samples; start += sizes.samples) {
    const count = Math.min(sizes.samples, samples - start);
    const { features, runs } = engine.tidy(() => {
      const z = engine.matMul(engine.slice(x, [start, 0, 0], [count, positions, width]), map.C);
      return { features: engine.reshape(z, [count, 1, positions, kept]), runs: runsAlong(section, engine.matMul(z, map.CPinv), points) };
    });
    const outputPositions = runs[0].output.shape[1];
    for (const chunk of sources.chunks(outputPositions, sizes.sources)) {
      task.checkCancelled();
      const squares = engine.tidy(() => {
        const jacobian = integratedVjp(section, runs, points, sources.cotangent(chunk, outputPositions, first + start, count));
        const attribution = engine.mul(engine.matMul(jacobian, map.CPinv, { transposeB: true }), features);
        return engine.sum(engine.square(engine.sum(attribution, [2])), [0]);
      });
      const values = await engine.read(squares);
      engine.dispose(squares);
      addSourceRows(total, chunk, values, weight);
    }
    engine.dispose(features, ...tensorsOfRuns(runs));
  }
}
