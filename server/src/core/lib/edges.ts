/**
 * @file Squared edges, deterministic, on the general path (method section 3.1):
 * A[b,t,i,j] = sum over input positions and integration points of (dFhat_i / dz_j) z_j, E[i,j] = 1/(N S) sum over data and output positions of A^2.
 * The section runs on activations projected to the kept features, Fhat(z) = section(z @ CPinv) @ C of the next layer.
 */

import type { Tensor } from "../../engine/engine";
import { matrix, type Matrix } from "../linalg/matrix";
import type { EdgesTask } from "./sectionPlan";
import { addSourceRows, chunkCotangent, chunkSizes, featuresOfOutput, integratedVjp, isPositionWise, positionsAsSamples, runsAlong, sourceChunks, tensorsOfRuns } from "./sourceChunks";

/** E [features of the output, features of the input] in float64. */
export async function edgesByVjp(task: EdgesTask): Promise<Matrix> {
  const { section, activations, features } = task;
  const { engine } = section;
  const total = matrix(featuresOfOutput(section, task.nextC).cols, features.C.cols);
  const C = engine.tensor(features.C.data, [features.C.rows, features.C.cols]);
  const CPinv = engine.tensor(features.CPinv.data, [features.CPinv.rows, features.CPinv.cols]);
  await activations.forEachBatch(async (x) => {
    const positions = x.shape[1];
    const samples = isPositionWise(section) ? positionsAsSamples(engine, x) : x;
    await addBatch(task, samples, { C, CPinv }, total, 1 / positions);
    if (samples !== x) engine.dispose(samples);
  }, task.progress);
  engine.dispose(C, CPinv);
  for (let index = 0; index < total.data.length; index += 1) total.data[index] /= activations.samples;
  return total;
}

async function addBatch(task: EdgesTask, x: Tensor, map: { C: Tensor; CPinv: Tensor }, total: Matrix, weight: number): Promise<void> {
  const { section, points } = task;
  const { engine } = section;
  const nextC = featuresOfOutput(section, task.nextC);
  const [samples, positions, width] = x.shape;
  const kept = total.cols;
  const sizes = chunkSizes(section, positions, samples, nextC.cols, task.memoryBudget);
  for (let start = 0; start < samples; start += sizes.samples) {
    const count = Math.min(sizes.samples, samples - start);
    const { features, runs } = engine.tidy(() => {
      const z = engine.matMul(engine.slice(x, [start, 0, 0], [count, positions, width]), map.C);
      return { features: engine.reshape(z, [count, 1, positions, kept]), runs: runsAlong(section, engine.matMul(z, map.CPinv), points) };
    });
    const outputPositions = runs[0].output.shape[1];
    for (const chunk of sourceChunks(outputPositions, nextC.cols, sizes.sources)) {
      task.checkCancelled();
      const squares = engine.tidy(() => {
        const jacobian = integratedVjp(section, runs, points, chunkCotangent(engine, nextC, chunk, outputPositions));
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
