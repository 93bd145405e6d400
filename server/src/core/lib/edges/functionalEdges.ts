/**
 * @file Functional edges (method section 3.3), the companion of the basis formula (1-alpha)^2, on the general path:
 * E[i,j] = -1/(N S) sum over data, input positions and integration points of w_a f_hat_j d/dz_j sum_t ( Fhat_i(f_hat) - Fhat_i(z) )^2 at
 * z = alpha_a f_hat. Signed: a row sums to the mean square of the output feature, a column to Lambda when basis and edges agree.
 */

import type { Tensor } from "../../../engine/engine";
import { slice, transpose } from "../../linalg/arrange";
import { scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { SectionRun } from "../../network/section";
import { toTensor } from "../closedForms/matrices";
import type { EdgesTask } from "../plans/sectionPlan";
import { chunkSizes, featuresOfOutput, isPositionWise, positionsAsSamples, runsAlong, tensorsOfRuns } from "../sources/sourceChunks";

/** E [features of the output, features of the input] in float64. */
export async function functionalEdges(task: EdgesTask): Promise<Matrix> {
  const { section, activations, features } = task;
  const { engine } = section;
  const nextC = featuresOfOutput(section, task.nextC);
  const total = matrix(nextC.cols, features.C.cols);
  const [C, CPinv, outOf] = [features.C, features.CPinv, nextC].map((map) => toTensor(engine, map)) as [Tensor, Tensor, Tensor];
  await activations.forEachBatch(async (batch) => {
    const x = isPositionWise(section) ? positionsAsSamples(engine, batch) : batch;
    const [count, positions, width] = x.shape as [number, number, number];
    const sizes = chunkSizes(section, positions, count, nextC.cols, task);
    for (let start = 0; start < count; start += sizes.samples) {
      const part = Math.min(sizes.samples, count - start);
      const { z, runs, gaps } = engine.tidy(() => {
        const projected = engine.matMul(engine.slice(x, [start, 0, 0], [part, positions, width]), C);
        const inputs = engine.matMul(projected, CPinv);
        const atData = section.forward(inputs).output;
        const along = runsAlong(section, inputs, task.points);
        return { z: projected, runs: along, gaps: along.map(({ output }) => engine.matMul(engine.sub(atData, output), outOf)) };
      });
      for (let first = 0; first < nextC.cols; first += sizes.sources) {
        task.checkCancelled();
        const last = Math.min(nextC.cols, first + sizes.sources);
        const sums = engine.tidy(() => {
          const gradient = gapGradient(task, runs, gaps, nextC, first, last);
          const attribution = engine.mul(engine.matMul(gradient, CPinv, { transposeB: true }), engine.reshape(z, [part, 1, positions, total.cols]));
          return engine.sum(attribution, [0, 2]);
        });
        const values = await engine.read(sums);
        engine.dispose(sums);
        for (let at = 0; at < values.length; at += 1) total.data[first * total.cols + at] += values[at] / batch.shape[1];
      }
      engine.dispose(z, ...gaps, ...tensorsOfRuns(runs));
    }
    if (x !== batch) engine.dispose(x);
  }, task.progress);
  engine.dispose(C, CPinv, outOf);
  return scale(total, 1 / activations.samples);
}

/**
 * -d/d(alpha f) sum_t gap_i^2 of output features `first` to `last`, summed over the points: [B, last - first, S, d]. A feature's cotangent at a
 * position is its gap there times its column of C.
 */
function gapGradient({ section, points }: EdgesTask, runs: readonly SectionRun[], gaps: readonly Tensor[], nextC: Matrix, first: number, last: number): Tensor {
  const { engine } = section;
  const [samples, positions] = gaps[0].shape as [number, number, number];
  const columns = engine.reshape(toTensor(engine, transpose(slice(nextC, 0, nextC.rows, first, last))), [1, last - first, 1, nextC.rows]);
  return runs
    .map((run, index) => {
      const gap = engine.transpose(engine.slice(gaps[index], [0, 0, first], [samples, positions, last - first]), [0, 2, 1]);
      const weighted = engine.affine(engine.reshape(gap, [samples, last - first, positions, 1]), 2 * points[index].weight);
      return section.vjp(run, engine.mul(weighted, columns));
    })
    .reduce((sum, term) => engine.add(sum, term));
}
