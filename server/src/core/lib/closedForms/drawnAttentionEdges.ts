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

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { accumulate, rescale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { AttentionSkip } from "../../network/attentionStructure";
import { stacked } from "../../network/folding";
import type { EdgesTask } from "../plans/sectionPlan";
import type { EdgeDraws } from "../sources/randomSources";
import { headsBetweenFeatures } from "./attentionHeads";
import { headPattern, headWeights, type HeadPattern, type HeadWeights } from "./attentionState";
import { forEachChunk } from "./chunks";
import { signTensor } from "./drawnSigns";
import { toTensor } from "./matrices";

/** A head at one point of the integration. */
interface Head {
  readonly state: HeadPattern;
  /** phi_tj [B, r, T] */
  readonly mixedFeatures: Tensor;
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
    const work = workPerSample(structure, task.points.length, positions, outputs, skip);
    await forEachChunk(engine, batch, work.values, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const { features, places } = engine.tidy(() => {
        const z = engine.matMul(x, toFeatures);
        const columns = engine.transpose(z, [0, 2, 1]);
        return {
          features: columns,
          places: task.points.map(({ alpha }) => weights.map((head): Head => {
            const state = headPattern(engine, structure, head, alpha === 1 ? z : engine.affine(z, alpha), outputs, null);
            return { state, mixedFeatures: engine.matMul(columns, state.pattern, { transposeB: true }) };
          })),
        };
      });
      const samples = x.shape[0];
      for (let draw = 0; draw < draws.count; draw += 1) {
        const signs = signTensor(engine, draws, draw, { firstSample: passed, samples, positions: outputs, first: 0, count: outputs });
        const signed = engine.tidy(() => signedFeatures(engine, features, signs));
        const through: Tensor[] = [];
        for (let h = 0; h < weights.length; h += 1) {
          task.checkCancelled();
          through.push(engine.tidy(() => task.points
            .map(({ weight }, point) => engine.affine(throughHead(engine, structure.scale, weights[h], places[point][h], features, signed, signs), weight))
            .reduce((total, term) => engine.add(total, term))));
        }
        const squares = engine.tidy(() => {
          const beside = engine.mul(engine.sum(signed, [2], true), bypass);
          return engine.sumOfSquares(engine.add(engine.matMul(engine.concat(through, 2), outOf), beside), [0]);
        });
        accumulate(sums, await engine.read(squares));
        engine.dispose(squares, signs, signed, ...through);
      }
      const states = places.flat().flatMap(({ state, mixedFeatures }) => [mixedFeatures, ...(Object.values(state) as Tensor[])]);
      engine.dispose(features, ...new Set(states));
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

/**
 * c X_j + (sum_t e_t phi_tj) a_j V [B, r, f]
 * @param c scale of the scores @param features f [B, r, S] @param signed e_t f_tj [B, r, T] @param signs e [B, T, 1]
 */
function throughHead(
  engine: Engine, c: number, { Q, K, V }: HeadWeights, { state, mixedFeatures }: Head, features: Tensor, signed: Tensor, signs: Tensor,
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

/** Numbers that the temporaries of one sample take, and multiplications of one draw's longest step; `edges` [r, r']. */
function workPerSample(
  structure: AttentionSkip, points: number, positions: number, outputs: number, edges: Matrix,
): { values: number; multiplications: number } {
  const heads = structure.heads.length;
  const [e, f] = [structure.heads[0].Q.cols, structure.heads[0].V.cols];
  const state = positions * outputs + 2 * outputs * e + positions * (e + f) + outputs * f + edges.rows * outputs;
  const temporaries = 4 * edges.rows * (positions + outputs) + 4 * positions * outputs;
  return {
    values: points * heads * state + temporaries + edges.rows * (positions + 2 * heads * f + 3 * edges.cols),
    multiplications: edges.rows * Math.max(heads * f * edges.cols, points * heads * positions * (e + f + outputs)),
  };
}
