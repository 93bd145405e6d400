/**
 * @file Edges from random signs over the positions of a sample (method section 3.2) through position-wise sections in token form. With the
 * notation of tokenMoments.ts, what one draw e_t gives for one sample is
 *
 *   A[j,i] = K_ji sum_t e_t f_tj + sum_a G_ja R_ai,
 *   G_ja   = sum_g L_g,ja sum_t e_t f_tj s_ga + sum_i sum_t e_t f_tj l_ij r_ia:
 *
 * the sums over positions come first, one product [r, T] x [T, h] per group and term, and the layer is left once per draw instead of once per
 * position. E is the mean of A^2 over samples, positions and draws.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { EdgeDraws } from "../../sources/randomSources";
import { forEachChunk, samplesThatFit } from "../chunks";
import { signTensor } from "../drawnSigns";
import { toTensor } from "../matrices";
import { betweenFeatures, type TokenForm, type TokenJacobians } from "./tokenForm";

/** A form between features, on the engine. */
interface Weights {
  /** K [r, r'] */
  readonly skip: Tensor;
  /** L_g [r, h] */
  readonly into: readonly Tensor[];
  /** M_i transposed, [m_i, r] */
  readonly leftMaps: readonly Tensor[];
  /** R [h, r'] */
  readonly outOf: Tensor;
}

/** Some positions of some samples. */
interface Tokens {
  /** f [B, T, r] */
  readonly features: Tensor;
  /** J at every token, [B T, ...] */
  readonly jacobians: TokenJacobians;
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. */
export async function drawnTokenEdges(task: EdgesTask, form: TokenForm, draws: EdgeDraws): Promise<Matrix> {
  const { engine } = task.section;
  const between = betweenFeatures(form, task);
  const weights: Weights = {
    skip: toTensor(engine, between.skip),
    into: between.into.map((L) => toTensor(engine, L)),
    leftMaps: between.leftMaps.map((M) => toTensor(engine, transpose(M))),
    outOf: toTensor(engine, between.outOf),
  };
  const evaluator = form.prepare(engine);
  const [C, CPinv] = [task.features.C, task.features.CPinv].map((a) => toTensor(engine, a));
  const [inputs, outputs, hidden] = [between.skip.rows, between.skip.cols, between.outOf.rows];
  const perToken = form.valuesPerRow + 2 * task.section.inputWidth + 4 * inputs;
  const perDraw = inputs * (3 * hidden + 3 * outputs);
  const sums = matrix(inputs, outputs);
  let [passed, tokens] = [0, 0];

  const tokensOf = (x: Tensor): Tokens => engine.tidy(() => {
    const features = engine.matMul(x, C);
    const [samples, positions, width] = features.shape as [number, number, number];
    const projected = engine.matMul(engine.reshape(features, [samples * positions, width]), CPinv);
    return { features, jacobians: evaluator.evaluate(projected, task.points) };
  });

  try {
    await task.activations.forEachBatch(async (batch) => {
      const [, positions] = batch.shape as [number, number, number];
      const products = positions * inputs * hidden * (weights.into.length + weights.leftMaps.length) + inputs * hidden * outputs;
      await forEachChunk(engine, batch, positions * perToken + perDraw, task.memoryBudget, async (x) => {
        const parts = positionParts(engine, x, perToken, task.memoryBudget);
        // A whole sample is evaluated once for all draws; where only a part fits, once for each.
        const whole = parts.length === 1 ? tokensOf(x) : null;
        for (let draw = 0; draw < draws.count; draw += 1) {
          let through: Through | null = null;
          for (const { first, count } of parts) {
            task.checkCancelled();
            const before: Through | null = through;
            through = engine.tidy(() => {
              const part = whole ?? tokensOf(engine.slice(x, [0, first, 0], [x.shape[0], count, x.shape[2]]));
              const signs = signTensor(engine, draws, draw, { firstSample: passed, samples: x.shape[0], positions, first, count });
              return added(engine, before, throughLayer(engine, weights, part, signs));
            });
            if (before) engine.dispose(before.features, before.layer);
          }
          task.checkCancelled();
          const squares = engine.tidy(() => engine.sumOfSquares(leavingLayer(engine, weights, through!), [0]));
          engine.dispose(through!.features, through!.layer);
          await engine.addTo(sums.data, squares);
          engine.dispose(squares);
        }
        if (whole) engine.dispose(whole.features, ...tensorsOf(whole.jacobians));
        passed += x.shape[0];
        tokens += x.shape[0] * positions;
      }, products);
    }, task.progress);
  } finally {
    evaluator.dispose();
    engine.dispose(C, CPinv, weights.skip, ...weights.into, ...weights.leftMaps, weights.outOf);
  }
  return transpose(rescale(sums, 1 / (tokens * draws.count)));
}

/** What one draw gives before it leaves the layer, for every sample. */
interface Through {
  /** sum_t e_t f_tj [B, r, 1] */
  readonly features: Tensor;
  /** G [B, r, h] */
  readonly layer: Tensor;
}

/** @param signs e [B, T, 1] */
function throughLayer(engine: Engine, weights: Weights, { features, jacobians }: Tokens, signs: Tensor): Through {
  const [samples, positions, inputs] = features.shape as [number, number, number];
  const perSample = (x: Tensor): Tensor => engine.reshape(x, [samples, positions, x.shape[1]]);
  const signed = engine.mul(features, signs);
  const bySlope = jacobians.slopes.map((slope, g) => engine.mul(engine.matMul(signed, perSample(slope), { transposeA: true }), weights.into[g]));
  const byTerm = jacobians.terms.map(({ left, right }, i) => (
    engine.matMul(engine.mul(signed, perSample(engine.matMul(left, weights.leftMaps[i]))), perSample(right), { transposeA: true })
  ));
  return {
    features: engine.reshape(engine.sum(signed, [1]), [samples, inputs, 1]),
    layer: [...bySlope, ...byTerm].reduce((total, part) => engine.add(total, part)),
  };
}

const added = (engine: Engine, a: Through | null, b: Through): Through => (
  a ? { features: engine.add(a.features, b.features), layer: engine.add(a.layer, b.layer) } : b
);

/** A [B, r, r'] */
function leavingLayer(engine: Engine, { outOf, skip }: Weights, { features, layer }: Through): Tensor {
  return engine.add(engine.matMul(layer, outOf), engine.mul(features, skip));
}

/** The positions of x [B, T, d] in as few nearly equal parts as fit. */
function positionParts(engine: Engine, x: Tensor, valuesPerToken: number, memoryBudget: number): { first: number; count: number }[] {
  const [samples, positions] = x.shape as [number, number, number];
  const most = Math.max(1, Math.floor(samplesThatFit(engine, samples * valuesPerToken, memoryBudget)));
  const size = Math.ceil(positions / Math.ceil(positions / most));
  return Array.from({ length: Math.ceil(positions / size) }, (_, part) => ({ first: part * size, count: Math.min(size, positions - part * size) }));
}

const tensorsOf = ({ slopes, terms }: TokenJacobians): Tensor[] => [...slopes, ...terms.flatMap(({ left, right }) => [left, right])];
