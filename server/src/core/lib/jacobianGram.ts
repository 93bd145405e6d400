/**
 * @file Jacobian Gram M' on the general path (method section 2.4, exact sources):
 * M' = 1/(N S) sum over data, output positions, output features, input positions of J^T J.
 */

import type { Tensor } from "../../engine/engine";
import { accumulate } from "../linalg/elementary";
import { matrix, type Matrix } from "../linalg/matrix";
import type { JacobianGramTask } from "./sectionPlan";
import { chunkCotangent, chunkSizes, featuresOfOutput, integratedVjp, isPositionWise, positionsAsSamples, runsAlong, sourceChunks, tensorsOfRuns } from "./sourceChunks";

/** M' [d, d] in float64; products in the engine's precision, sums over chunks in float64. */
export async function jacobianGramByVjp(task: JacobianGramTask): Promise<Matrix> {
  const { section, activations } = task;
  const { engine } = section;
  const total = matrix(section.inputWidth, section.inputWidth);
  await activations.forEachBatch(async (x) => {
    const positions = x.shape[1];
    const samples = isPositionWise(section) ? positionsAsSamples(engine, x) : x;
    await addBatch(task, samples, total, 1 / positions);
    if (samples !== x) engine.dispose(samples);
  }, task.progress);
  for (let index = 0; index < total.data.length; index += 1) total.data[index] /= activations.samples;
  return total;
}

async function addBatch(task: JacobianGramTask, x: Tensor, total: Matrix, weight: number): Promise<void> {
  const { section, points } = task;
  const { engine } = section;
  const nextC = featuresOfOutput(section, task.nextC);
  const [samples, positions, width] = x.shape;
  const sizes = chunkSizes(section, positions, samples, nextC.cols, task.memoryBudget);
  for (let start = 0; start < samples; start += sizes.samples) {
    const count = Math.min(sizes.samples, samples - start);
    const part = engine.tidy(() => engine.slice(x, [start, 0, 0], [count, positions, width]));
    const runs = engine.tidy(() => runsAlong(section, part, points));
    const outputPositions = runs[0].output.shape[1];
    for (const chunk of sourceChunks(outputPositions, nextC.cols, sizes.sources)) {
      task.checkCancelled();
      const { product, repeated } = engine.tidy(() => {
        const jacobian = integratedVjp(section, runs, points, chunkCotangent(engine, nextC, chunk, outputPositions));
        const rows = engine.reshape(jacobian, [jacobian.size / width, width]);
        // A Jacobian that is the same for all samples comes once and counts for all of them.
        return { product: engine.matMul(rows, rows, { transposeA: true }), repeated: count / jacobian.shape[0] };
      });
      accumulate(total, await engine.read(product), weight * repeated);
      engine.dispose(product);
    }
    engine.dispose(part, ...tensorsOfRuns(runs));
  }
}
