/**
 * @file Edges from random signs over the output positions (method section 3.2) through attention with its skip connection. Summed with the
 * signs e_t before anything is squared, the attributions of attentionEdges.ts need no vector per output position: with a_j = row j of C_pinv,
 *
 *   A[j,i] = (sum_t e_t f_tj) a_j skip C[:,i] + sum_h { c X_j + (sum_t e_t phi_tj) a_j V } O C[:,i],
 *   X_j    = sum_s v_s { f_sj a_j K (sum_t p_ts e_t q_t) + (a_j Q k_s) sum_t p_ts e_t f_tj }
 *          - sum_t e_t o_t { (a_j K q_t) phi_tj + f_tj a_j Q (sum_s p_ts k_s) },         phi_tj = sum_s p_ts f_sj:
 *
 * every sum over pairs of positions is one product with the pattern, [r, T] x [T, S] or the other way round.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { EdgeDraws } from "../../sources/randomSources";
import { forEachChunk, samplesThatFit } from "../chunks";
import { signTensor } from "../drawnSigns";
import { toTensor } from "../matrices";
import { headsBetweenFeatures } from "./attentionHeads";
import { headPattern, headWeights, type HeadPattern, type HeadWeights } from "./attentionState";

/** A head at one point of the integration. */
interface Head {
  readonly weights: HeadWeights;
  readonly state: HeadPattern;
  /** phi_tj [B, r, T] */
  readonly mixedFeatures: Tensor;
}

/** One draw for the samples of a chunk. */
interface Draw {
  /** e [B, T, 1] */
  readonly signs: Tensor;
  /** e_t f_tj [B, r, T] */
  readonly signed: Tensor;
  /** c X_j + (sum_t e_t phi_tj) a_j V of every head, [B, r, f] */
  readonly through: Tensor[];
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. Without rotary positions. */
export async function drawnAttentionEdges(task: EdgesTask, structure: AttentionSkip, draws: EdgeDraws): Promise<Matrix> {
  const { engine } = task.section;
  const { heads, skip } = headsBetweenFeatures(structure, task);
  const { weights, dispose } = headWeights(engine, heads);
  const outOf = toTensor(engine, stacked(heads.map(({ O }) => O)));
  const bypass = toTensor(engine, skip);
  const toFeatures = toTensor(engine, task.features.C);
  const sums = matrix(skip.rows, skip.cols);
  let [passed, inputs] = [0, 0];
  await task.activations.forEachBatch(async (batch) => {
    const [, positions] = batch.shape as [number, number, number];
    const outputs = structure.lastPositionOnly ? 1 : positions;
    const work = workPerSample(structure, positions, outputs, skip);
    await forEachChunk(engine, batch, work.values, task.memoryBudget, async (x) => {
      const samples = x.shape[0];
      const z = engine.matMul(x, toFeatures);
      const features = engine.transpose(z, [0, 2, 1]);
      // A head's state serves as many draws as fit beside it.
      const together = Math.max(1, Math.floor(samplesThatFit(engine, samples * work.valuesOfDraw, task.memoryBudget)));
      for (let first = 0; first < draws.count; first += together) {
        const drawn = Array.from({ length: Math.min(together, draws.count - first) }, (_, index): Draw => {
          const places = { firstSample: passed, samples, positions: outputs, first: 0, count: outputs };
          const signs = signTensor(engine, draws, first + index, places);
          return { signs, signed: engine.tidy(() => signedFeatures(engine, features, signs)), through: [] };
        });
        for (const head of weights) {
          let totals: Tensor[] | null = null;
          for (const { alpha, weight } of task.points) {
            task.checkCancelled();
            const before: Tensor[] | null = totals;
            totals = engine.tidy(() => {
              const state = headPattern(engine, structure, head, alpha === 1 ? z : engine.affine(z, alpha), outputs, null);
              const at: Head = { weights: head, state, mixedFeatures: engine.matMul(features, state.pattern, { transposeB: true }) };
              return drawn.map((draw, index) => {
                const term = engine.affine(throughHead(engine, structure.scale, at, features, draw), weight);
                return before ? engine.add(before[index], term) : term;
              });
            });
            engine.dispose(...(before ?? []));
          }
          drawn.forEach(({ through }, index) => through.push(totals![index]));
        }
        for (const { signs, signed, through } of drawn) {
          task.checkCancelled();
          const squares = engine.tidy(() => {
            const beside = engine.mul(engine.sum(signed, [2], true), bypass);
            return engine.sumOfSquares(engine.add(engine.matMul(engine.concat(through, 2), outOf), beside), [0]);
          });
          await engine.addTo(sums.data, squares);
          engine.dispose(squares, signs, signed, ...through);
        }
      }
      engine.dispose(z, features);
      passed += samples;
      inputs += samples * positions;
    }, work.multiplications);
  }, task.progress);
  dispose();
  engine.dispose(outOf, bypass, toFeatures);
  return transpose(rescale(sums, 1 / (inputs * draws.count)));
}

/** e_t f_tj [B, r, T] @param features f [B, r, S] @param signs e [B, T, 1] */
function signedFeatures(engine: Engine, features: Tensor, signs: Tensor): Tensor {
  const [samples, width, positions] = features.shape as [number, number, number];
  const outputs = signs.shape[1];
  const own = outputs === positions ? features : engine.slice(features, [0, 0, positions - outputs], [samples, width, outputs]);
  return engine.mul(own, engine.reshape(signs, [samples, 1, outputs]));
}

/** c X_j + (sum_t e_t phi_tj) a_j V [B, r, f]; @param c scale of the scores @param features f [B, r, S] */
function throughHead(
  engine: Engine, c: number, { weights: { Q, K, V }, state, mixedFeatures }: Head, features: Tensor, { signs, signed }: Draw,
): Tensor {
  const { queries, keys, values, pattern, mixed } = state;
  const signedQueries = engine.mul(queries, signs);
  const readers = engine.matMul(pattern, signedQueries, { transposeA: true });
  const atInputs = engine.add(
    engine.mul(features, engine.matMul(K, readers, { transposeB: true })),
    engine.mul(engine.matMul(Q, keys, { transposeB: true }), engine.matMul(signed, pattern)),
  );
  const atOutputs = engine.add(
    engine.mul(mixedFeatures, engine.matMul(K, signedQueries, { transposeB: true })),
    engine.mul(signed, engine.matMul(Q, engine.matMul(pattern, keys), { transposeB: true })),
  );
  const X = engine.sub(engine.matMul(atInputs, values), engine.matMul(atOutputs, mixed));
  return engine.add(engine.affine(X, c), engine.mul(engine.matMul(mixedFeatures, signs), V));
}

/** Per sample; `edges` [r, r']. */
interface Work {
  /** Numbers that one head's temporaries take, with one draw. */
  readonly values: number;
  /** Numbers that a further draw takes. */
  readonly valuesOfDraw: number;
  /** Of the longest step between two checks. */
  readonly multiplications: number;
}

function workPerSample({ heads }: AttentionSkip, positions: number, outputs: number, { rows: inputs, cols }: Matrix): Work {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  const state = 2 * positions * outputs + 2 * outputs * e + positions * (e + f) + outputs * f + inputs * outputs;
  const valuesOfDraw = inputs * (outputs + 2 * heads.length * f);
  return {
    values: state + 4 * inputs * (positions + outputs) + inputs * (2 * positions + 3 * cols) + valuesOfDraw,
    valuesOfDraw,
    multiplications: inputs * Math.max(heads.length * f * cols, (positions + outputs) * (2 * e + f) + 2 * positions * outputs),
  };
}
