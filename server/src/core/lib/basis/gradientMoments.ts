/**
 * @file The integrated gradients of the two older basis formulas and their moments (method section 2.7), on the general path. F is the
 * section followed by C of the next layer, summed over output features and positions:
 *   (1-0)*alpha   g =   sum_a w_a d/d(alpha_a f) sum F(alpha_a f) F(f)            (second factor constant)
 *   (1-alpha)^2   g = - sum_a w_a d/d(alpha_a f) sum ( F(f) - F(alpha_a f) )^2
 * One vector-Jacobian product per sample and integration point.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { Section } from "../../network/section";
import { withSourceAxis } from "../../network/shapes";
import type { JacobianGramTask } from "../plans/sectionPlan";
import type { IntegrationPoint } from "../sources/integration";
import { chunkSizes, isPositionWise, positionsAsSamples, runsAlong } from "../sources/sourceChunks";

export type GradientFormula = "(1-0)*alpha" | "(1-alpha)^2";

export interface GradientMoments {
  /** M' = 1/(N S) sum g g^T [d, d] */
  readonly gram: Matrix;
  /** Lambda' = 1/(N S) sum g f^T [d, d] */
  readonly interaction: Matrix;
}

/** Sums over batches in float64. */
export async function gradientMoments(task: JacobianGramTask, formula: GradientFormula): Promise<GradientMoments> {
  const { section, activations } = task;
  const { engine } = section;
  const width = section.inputWidth;
  const [gram, interaction] = [matrix(width, width), matrix(width, width)];
  const metric = task.nextC && outputMetric(engine, task.nextC);
  await activations.forEachBatch(async (batch) => {
    const positions = batch.shape[1];
    const x = isPositionWise(section) ? positionsAsSamples(engine, batch) : batch;
    const [count, length] = x.shape as [number, number, number];
    const sizes = chunkSizes(section, length, count, 1, task);
    for (let start = 0; start < count; start += sizes.samples) {
      task.checkCancelled();
      const [squares, products] = engine.tidy(() => {
        const part = engine.slice(x, [start, 0, 0], [Math.min(sizes.samples, count - start), length, width]);
        const gradients = integratedGradients(section, part, task.points, metric, formula, () => task.checkCancelled());
        const rows = [gradients, part].map((tensor) => engine.reshape(tensor, [tensor.size / width, width])) as [Tensor, Tensor];
        return [engine.matMul(rows[0], rows[0], { transposeA: true }), engine.matMul(rows[0], rows[1], { transposeA: true })] as const;
      });
      await engine.addTo(gram.data, squares, 1 / positions);
      await engine.addTo(interaction.data, products, 1 / positions);
      engine.dispose(squares, products);
    }
    if (x !== batch) engine.dispose(x);
  }, task.progress);
  if (metric) engine.dispose(metric);
  return { gram: scale(gram, 1 / activations.samples), interaction: scale(interaction, 1 / activations.samples) };
}

/** g of every sample and input position, [B, S, d]. @param metric C C^T of the next layer [d', d'], null for the identity */
export function integratedGradients(
  section: Section, x: Tensor, points: readonly IntegrationPoint[], metric: Tensor | null, formula: GradientFormula,
  checkCancelled = (): void => undefined,
): Tensor {
  const { engine } = section;
  const atData = section.forward(x).output;
  const terms = runsAlong(section, x, points).map((run, index) => {
    checkCancelled();
    const { weight } = points[index];
    const difference = formula === "(1-0)*alpha" ? engine.affine(atData, weight) : engine.affine(engine.sub(atData, run.output), 2 * weight);
    return section.vjp(run, withSourceAxis(engine, metric ? engine.matMul(difference, metric) : difference));
  });
  return engine.reshape(terms.reduce((sum, term) => engine.add(sum, term)), x.shape);
}

function outputMetric(engine: Engine, nextC: Matrix): Tensor {
  const product = multiply(nextC, nextC, { transposeB: true });
  return engine.tensor(product.data, [product.rows, product.cols]);
}
