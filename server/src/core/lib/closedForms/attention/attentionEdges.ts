/**
 * @file Squared edges through attention with its skip connection, exact and without a backward pass (method section 3.6).
 *
 * Per output position t, with a_j = row j of C_pinv and L_h = c O_h C:
 *   A_t[j,i] = f_tj a_j skip C[:,i] + sum_h { phi_tj a_j V_h O_h C[:,i] + b_tj L_h[:,i] },
 *   b_tj = (a_j K_h q_t) psi_tj + f_tj a_j Q_h B_t                                       [f]
 *   phi_tj = sum_s p_ts f_sj,   psi_tj = sum_s f_sj p_ts (v_s - o_t)
 * where queries, keys, values and patterns come from the projected input f C_pinv. With rotary positions q_t depends on s inside psi.
 *
 * psi is one product of the features with the weighted offsets of the values; the b of all heads meet the stacked L_h in one product. Every
 * feature stands alone in these sums, so some features at a time are taken, enough to fill the products.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { slice, transpose } from "../../../linalg/arrange";
import { scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import { rotate } from "../../../network/rotary";
import type { EdgesTask } from "../../plans/sectionPlan";
import { longestChunk } from "../chunks";
import { toTensor } from "../matrices";
import { headsBetweenFeatures } from "./attentionHeads";
import {
  firstAxesExchanged, forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, outputsTogether, turnsOf,
  weightedOffsets, type HeadState, type Turns,
} from "./attentionState";

/** Features whose attributions are formed together, at most. */
const mostFeatures = 64;

/** Rows of weights that belong to some consecutive features j of the input, k of them. */
interface FeatureBlock {
  readonly first: number;
  readonly count: number;
  /** a_j Q_h and a_j K_h per head [k, e] */
  readonly queries: readonly Tensor[];
  readonly keys: readonly Tensor[];
  /** a_j V_h O_h C of all heads, then a_j skip C, [k, heads + 1, r'] */
  readonly mixing: Tensor;
}

/** A head at one point of the integration, and its weighted offsets (attentionState.ts). */
interface Head {
  readonly state: HeadState;
  readonly offsets: Tensor;
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. */
export async function attentionEdges(task: EdgesTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { heads: folded, skip: bypass } = headsBetweenFeatures(structure, task);
  const { weights, dispose } = headWeights(engine, folded);
  const outOf = toTensor(engine, scale(stacked(folded.map(({ O }) => O)), structure.scale));
  const perFeature = (positions: number, outputs: number): number => task.points.length * multiplicationsPerFeature(structure, positions, outputs, bypass.cols);
  const { positions } = task.activations;
  const affordable = longestChunk(engine) / perFeature(positions, outputsTogether(structure, positions));
  const featuresTogether = Math.max(1, Math.min(mostFeatures, bypass.rows, Math.floor(affordable)));
  const blocks = featureBlocks(engine, folded, bypass, featuresTogether);
  const toFeatures = toTensor(engine, task.features.C);
  const sums = matrix(bypass.rows, bypass.cols);
  let inputs = 0;
  const size = (read: number, outputs: number): number => valuesPerSample(structure, task.points.length, read, outputs, bypass, featuresTogether);
  const longest = (read: number, outputs: number): number => Math.max(headStateMultiplications(structure, read, outputs), featuresTogether * perFeature(read, outputs));
  await task.activations.forEachBatch(async (batch) => {
    await forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, outputs) => {
      task.checkCancelled();
      const z = engine.matMul(x, toFeatures);
      const features = engine.transpose(z, [0, 2, 1]);
      const turns = engine.tidy(() => turnsOf(engine, structure, x.shape[1], outputs));
      const places = task.points.map(({ alpha }) => weights.map((head): Head => {
        task.checkCancelled();
        return engine.tidy(() => {
          const state = headState(engine, structure, head, alpha === 1 ? z : engine.affine(z, alpha), outputs, turns);
          return { state, offsets: weightedOffsets(engine, state) };
        });
      }));
      for (const block of blocks) {
        task.checkCancelled();
        const squares = engine.tidy(() => {
          const terms = task.points.map(({ weight }, point) => {
            const attributions = attributionsOf(engine, block, outOf, features, places[point], turns);
            return weight === 1 ? attributions : engine.affine(attributions, weight);
          });
          return engine.sumOfSquares(terms.reduce((total, term) => engine.add(total, term)), [1]);
        });
        await engine.addTo(rowsOf(sums, block), squares);
        engine.dispose(squares);
      }
      const states = places.flat().flatMap(({ state, offsets }) => [offsets, ...(Object.values(state) as Tensor[])]);
      engine.dispose(z, features, ...new Set(states), ...(turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]));
    }, longest);
    inputs += batch.shape[0] * batch.shape[1];
  }, task.progress);
  dispose();
  engine.dispose(outOf, toFeatures, ...blocks.flatMap(({ queries, keys, mixing }) => [...queries, ...keys, mixing]));
  return transpose(scale(sums, 1 / inputs));
}

/** @param heads weights seen from the features, and to those of the output @param bypass C_pinv skip C [r, r'] @param featuresTogether of one block */
function featureBlocks(engine: Engine, heads: readonly Record<"Q" | "K" | "V" | "O", Matrix>[], bypass: Matrix, featuresTogether: number): FeatureBlock[] {
  const mixing = [...heads.map(({ V, O }) => multiply(V, O)), bypass];
  const blocks: FeatureBlock[] = [];
  for (let first = 0; first < bypass.rows; first += featuresTogether) {
    const count = Math.min(featuresTogether, bypass.rows - first);
    const part = (a: Matrix): Matrix => slice(a, first, first + count);
    blocks.push({
      first, count,
      queries: heads.map(({ Q }) => toTensor(engine, part(Q))),
      keys: heads.map(({ K }) => toTensor(engine, part(K))),
      mixing: engine.tidy(() => engine.concat(mixing.map((a) => engine.tensor(part(a).data, [count, 1, a.cols])), 1)),
    });
  }
  return blocks;
}

/**
 * A of the block's features: [k, n, r'] over the n output positions of all samples.
 * @param outOf c O_h C of all heads stacked, [heads f, r'] @param features f [B, r, S] @param heads at one point of the integration
 */
function attributionsOf(engine: Engine, block: FeatureBlock, outOf: Tensor, features: Tensor, heads: readonly Head[], turns: Turns | null): Tensor {
  const { count } = block;
  const [samples, , positions] = features.shape as [number, number, number];
  const outputs = heads[0].state.pattern.shape[1];
  const n = samples * outputs;
  const z = engine.slice(features, [0, block.first, 0], [samples, count, positions]);
  /** [B, k, T] -> [k, n, 1] */
  const column = (x: Tensor): Tensor => engine.reshape(firstAxesExchanged(engine, x), [count, n, 1]);
  const own = column(engine.slice(z, [0, 0, positions - outputs], [samples, count, outputs]));
  const through = heads.map(({ state, offsets }, h) => engine.tidy(() => {
    const f = state.mixed.shape[1];
    const psi = (): Tensor => engine.reshape(firstAxesExchanged(engine, engine.matMul(z, offsets)), [count, n, f]);
    const byKey = (): Tensor => engine.reshape(engine.matMul(block.keys[h], state.queries, { transposeB: true }), [count, n, 1]);
    const keys = turns ? throughTurnedKeys(engine, state, block.keys[h], z, turns) : engine.mul(byKey(), psi());
    const queries = engine.reshape(engine.matMul(block.queries[h], state.covariance), [count, n, f]);
    return engine.add(keys, engine.mul(own, queries));
  }));
  const mixed = heads.map(({ state }) => column(engine.matMul(z, state.pattern, { transposeB: true })));
  return engine.add(engine.matMul(engine.concat(through, 2), outOf), engine.matMul(engine.concat([...mixed, own], 2), block.mixing));
}

/**
 * sum_s p_ts f_sj (a_j K q_ts) (v_s - o_t) [k, n, f], q_ts the query of output t turned back to position s.
 * @param K rows a_j K [k, e] @param z features [B, k, S]
 */
export function throughTurnedKeys(engine: Engine, { turned, pattern, values, mixed }: HeadState, K: Tensor, z: Tensor, { inputs }: Turns): Tensor {
  const [samples, count, positions] = z.shape as [number, number, number];
  const outputs = pattern.shape[1];
  const [n, f] = mixed.shape as [number, number];
  const e = K.shape[1];
  const table = (x: Tensor): Tensor => engine.reshape(x, [positions, 1, e]);
  const rotations = { cosines: table(inputs.cosines), sines: table(inputs.sines), swap: inputs.swap };
  const turnedKeys = engine.transpose(rotate(engine, rotations, engine.reshape(K, [1, count, e])), [1, 0, 2]);
  const byKey = engine.matMul(engine.reshape(turned, [samples, outputs, e]), engine.reshape(turnedKeys, [count * positions, e]), { transposeB: true });
  const weights = engine.mul(
    engine.mul(engine.reshape(byKey, [samples, outputs, count, positions]), engine.reshape(z, [samples, 1, count, positions])),
    engine.reshape(pattern, [samples, outputs, 1, positions]),
  );
  const along = engine.reshape(engine.matMul(engine.reshape(weights, [samples, outputs * count, positions]), values), [n, count, f]);
  const total = engine.reshape(engine.sum(weights, [3]), [n, count, 1]);
  return firstAxesExchanged(engine, engine.sub(along, engine.mul(total, engine.reshape(mixed, [n, 1, f]))));
}

/** The rows of the block's features, in place. */
const rowsOf = ({ data, cols }: Matrix, { first, count }: FeatureBlock): Float64Array => data.subarray(first * cols, (first + count) * cols);

/** Multiplications of the attributions of one feature per sample, at one point of the integration. @param next features of the output */
function multiplicationsPerFeature({ heads, rotary }: AttentionSkip, positions: number, outputs: number, next: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return outputs * (heads.length * (f * next + next + e * f + (rotary ? e : f) * positions + (rotary ? f + 1 : 1) * positions) + next);
}

/** Numbers that the temporaries of one sample take; `edges` [r, r']. */
function valuesPerSample(
  structure: AttentionSkip, points: number, positions: number, outputs: number, edges: Matrix, featuresTogether: number,
): number {
  const f = structure.heads[0].V.cols;
  const heads = structure.heads.length;
  const states = points * heads * (headStateSize(structure, positions, outputs) + positions * outputs * f);
  const perFeature = outputs * (2 * heads * f + 4 * f + (points + 2) * edges.cols + (structure.rotary ? 3 * positions : 0));
  return states + headStateTemporaries(structure, positions, outputs) + 2 * positions * edges.rows + featuresTogether * perFeature;
}
