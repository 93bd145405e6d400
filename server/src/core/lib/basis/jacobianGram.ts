/**
 * @file Jacobian Gram M' on the general path (method section 2.4, exact or random sources):
 * M' = 1/(N S) sum over data, output positions, output features, input positions of J^T J.
 */

import type { Tensor } from "../../../engine/engine";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { JacobianGramTask } from "../plans/sectionPlan";
import { chunkSizes, exactSources, featuresOfOutput, integratedVjp, isPositionWise, positionsAsSamples, runsAlong, tensorsOfRuns, type Sources } from "../sources/sourceChunks";

/** M' [d, d] in float64; products in the engine's precision, sums over chunks in float64. @param random null for exact sources */
export async function jacobianGramByVjp(task: JacobianGramTask, random: Sources | null = null): Promise<Matrix> {
  const { section, activations } = task;
  const { engine } = section;
  const sources = random ?? exactSources(engine, featuresOfOutput(section, task.nextC));
  let passed = 0;
  const total = matrix(section.inputWidth, section.inputWidth);
  await activations.forEachBatch(async (x) => {
    const positions = x.shape[1];
    const samples = isPositionWise(section) ? positionsAsSamples(engine, x) : x;
    await addBatch(task, sources, samples, passed, total, 1 / (positions * sources.draws));
    passed += samples.shape[0];
    if (samples !== x) engine.dispose(samples);
  }, task.progress);
  for (let index = 0; index < total.data.length; index += 1) total.data[index] /= activations.samples;
  return total;
}

/** @param first place of the batch's first sample in the pass */
async function addBatch(task: JacobianGramTask, sources: Sources, x: Tensor, first: number, total: Matrix, weight: number): Promise<void> {
  const { section, points } = task;
  const { engine } = section;
  const [samples, positions, width] = x.shape;
  const sizes = chunkSizes(section, positions, samples, task.nextC?.cols ?? section.outputWidth, task);
  for (let start = 0; start < samples; start += sizes.samples) {
    const count = Math.min(sizes.samples, samples - start);
    const part = engine.tidy(() => engine.slice(x, [start, 0, 0], [count, positions, width]));
    const runs = engine.tidy(() => runsAlong(section, part, points));
    const outputPositions = runs[0].output.shape[1];
    for (const chunk of sources.chunks(outputPositions, sizes.sources)) {
      task.checkCancelled();
      const { product, repeated } = engine.tidy(() => {
        const jacobian = integratedVjp(section, runs, points, sources.cotangent(chunk, outputPositions, first + start, count));
        const rows = engine.reshape(jacobian, [jacobian.size / width, width]);
        // A Jacobian that is the same for all samples comes once and counts for all of them.
        return { product: engine.matMul(rows, rows, { transposeA: true }), repeated: count / jacobian.shape[0] };
      });
      await engine.addTo(total.data, product, weight * repeated);
      engine.dispose(product);
    }
    engine.dispose(part, ...tensorsOfRuns(runs));
  }
}
