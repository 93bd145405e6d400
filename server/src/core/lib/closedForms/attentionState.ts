/**
 * @file What every closed form through attention needs of a chunk of samples, head by head (method section 2.10). Keys and values
 * enter all formulas only as differences between positions, so they are centred per sample: nothing large cancels in float32.
 * With rotary positions R_t the scores are (q_t R_t)(k_s R_s)^T: a key meets q_ts = q_t R_t R_s^T, which depends on its position.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import { attentionPattern } from "../../network/attentionModule";
import type { AttentionSkip } from "../../network/attentionStructure";
import { rotate, rotation, type Rotation } from "../../network/rotary";
import { forEachChunk, samplesThatFit } from "./chunks";

/** Weights of one head that lead from the section's input (or its features) to queries, keys and values. */
export interface HeadWeights {
  readonly Q: Tensor;
  readonly K: Tensor;
  readonly V: Tensor;
}

/** Rotary turns of the positions that are read, and of the outputs among them. */
export interface Turns {
  readonly inputs: Rotation;
  readonly outputs: Rotation;
}

/** n = samples times output positions T, S input positions, e width of queries, f width of values. */
export interface HeadState {
  /** q_t [n, e], not turned. */
  readonly queries: Tensor;
  /** q_t R_t [n, e] */
  readonly turned: Tensor;
  /** k_s R_s [B, S, e], centred over s */
  readonly keys: Tensor;
  /** v_s [B, S, f], centred over s */
  readonly values: Tensor;
  /** p_ts [B, T, S] */
  readonly pattern: Tensor;
  /** o_t = sum_s p_ts v_s [n, f], of the centred values */
  readonly mixed: Tensor;
  /** p_tt [n, 1] */
  readonly ownWeight: Tensor;
  /** v_t - o_t [n, f] */
  readonly ownOffset: Tensor;
  /** B_t = R_t sum_s p_ts (k_s R_s)^T (v_s - o_t), stored as [e, n f]: covariance of keys and values under the pattern. */
  readonly covariance: Tensor;
}

/** Output positions are taken in blocks of at most this many: later positions, which a causal pattern does not read, are left out. */
const largestBlock = 128;

/**
 * Calls `body` with the positions that some output positions read, [B, S', d], and their number: they are the last of the S'.
 * @param valuesPerSample numbers that the temporaries of one sample take, for S' positions and T outputs
 */
export async function forEachBlock(
  engine: Engine, structure: AttentionSkip, batch: Tensor, valuesPerSample: (positions: number, outputs: number) => number, memoryBudget: number,
  body: (x: Tensor, outputs: number) => Promise<void>,
): Promise<void> {
  const [, positions, width] = batch.shape as [number, number, number];
  const all = structure.lastPositionOnly ? 1 : positions;
  let block = all;
  // Only with a causal pattern are the outputs of a block the last of the positions that they read.
  if (structure.causal) {
    block = Math.min(all, largestBlock);
    while (block > 1 && samplesThatFit(engine, valuesPerSample(positions, block), memoryBudget) < 1) block = Math.ceil(block / 2);
  }
  await forEachChunk(engine, batch, valuesPerSample(positions, block), memoryBudget, async (chunk) => {
    for (let first = positions - all; first < positions; first += block) {
      const last = Math.min(positions, first + block);
      const from = structure.causal && structure.window !== null ? Math.max(0, first - structure.window + 1) : 0;
      if (from === 0 && last === positions) {
        await body(chunk, last - first);
        continue;
      }
      const read = engine.slice(chunk, [0, from, 0], [chunk.shape[0], last - from, width]);
      try {
        await body(read, last - first);
      } finally {
        engine.dispose(read);
      }
    }
  });
}

/** Numbers that the state of one head takes per sample, temporaries included. */
export function headStateSize({ heads, rotary }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return 2 * positions * e * f + (rotary ? 6 : 3) * outputs * e * f + 4 * outputs * positions + (rotary ? 3 * positions * e * e + outputs * e * e : 0);
}

/** The turns of queries and keys: of all `positions`, and of the last `outputs` of them; null without rotary positions. */
export function turnsOf(engine: Engine, { rotary, heads }: AttentionSkip, positions: number, outputs: number): Turns | null {
  if (!rotary) return null;
  const width = heads[0].Q.cols;
  const inputs = rotation(engine, rotary, width, positions);
  const last = (table: Tensor): Tensor => engine.slice(table, [positions - outputs, 0], [outputs, width]);
  return { inputs, outputs: { ...inputs, cosines: last(inputs.cosines), sines: last(inputs.sines) } };
}

/** @param x [B, S, width of the weights' rows], the outputs are its last positions; call inside `tidy`. */
export function headState(engine: Engine, structure: AttentionSkip, weights: HeadWeights, x: Tensor, outputs: number, turns: Turns | null): HeadState {
  const [samples, positions] = x.shape as [number, number, number];
  const atOutputs = (all: Tensor): Tensor => (
    outputs === positions ? all : engine.slice(all, [0, positions - outputs, 0], [samples, outputs, all.shape[2]])
  );
  const n = samples * outputs;
  return engine.tidy(() => {
    const queries = engine.matMul(atOutputs(x), weights.Q);
    const turned = turns ? rotate(engine, turns.outputs, queries) : queries;
    const plainKeys = engine.matMul(x, weights.K);
    const rawKeys = turns ? rotate(engine, turns.inputs, plainKeys) : plainKeys;
    const pattern = singleHeadPattern(engine, turned, rawKeys, structure);
    const keys = centredOverPositions(engine, rawKeys);
    const values = centredOverPositions(engine, engine.matMul(x, weights.V));
    const e = keys.shape[2];
    const f = values.shape[2];
    const mixed = engine.matMul(pattern, values);
    const covariance = engine.tidy(() => {
      const products = covarianceWith(engine, { pattern, values, mixed }, keys);
      return engine.transpose(turns ? keysTurnedBack(engine, turns, products, [samples, outputs, e, f]) : products, [1, 0, 2]);
    });
    const own = engine.tensor(ownPositions(outputs, positions), [outputs, positions]);
    return {
      queries: engine.reshape(queries, [n, e]),
      turned: engine.reshape(turned, [n, e]),
      keys,
      values,
      pattern,
      mixed: engine.reshape(mixed, [n, f]),
      ownWeight: engine.reshape(engine.sum(engine.mul(pattern, own), [2]), [n, 1]),
      ownOffset: engine.reshape(engine.sub(atOutputs(values), mixed), [n, f]),
      covariance: engine.reshape(covariance, [e, n * f]),
    };
  });
}

/** Covariances [n, e, f] of turned keys, seen from the query before its turn. */
function keysTurnedBack(engine: Engine, { outputs }: Turns, covariance: Tensor, [samples, positions, e, f]: readonly [number, number, number, number]): Tensor {
  const byKey = engine.transpose(engine.reshape(covariance, [samples, positions, e, f]), [0, 1, 3, 2]);
  const perRow = (table: Tensor): Tensor => engine.reshape(table, [positions, 1, e]);
  const back = rotate(engine, { cosines: perRow(outputs.cosines), sines: perRow(outputs.sines), swap: outputs.swap }, byKey, true);
  return engine.reshape(engine.transpose(back, [0, 1, 3, 2]), [samples * positions, e, f]);
}

/**
 * sum_s p_ts a_s (v_s - o_t)^T for a [B, S, m]: [n, m, f].
 * With one output position that is one small product per sample; with several the outer products a_s v_s^T are shared between them.
 */
export function covarianceWith(engine: Engine, { pattern, values, mixed }: Pick<HeadState, "pattern" | "values" | "mixed">, a: Tensor): Tensor {
  const [samples, positions, m] = a.shape as [number, number, number];
  const f = values.shape[2];
  const outputs = pattern.shape[1];
  const n = samples * outputs;
  return engine.tidy(() => {
    if (outputs === 1) {
      const weighted = engine.mul(engine.reshape(pattern, [samples, positions, 1]), a);
      return engine.matMul(weighted, engine.sub(values, engine.reshape(mixed, [samples, 1, f])), { transposeA: true });
    }
    const outer = engine.mul(engine.reshape(a, [samples, positions, m, 1]), engine.reshape(values, [samples, positions, 1, f]));
    const mean = engine.matMul(pattern, engine.reshape(outer, [samples, positions, m * f]));
    const meanA = engine.reshape(engine.matMul(pattern, a), [n, m, 1]);
    return engine.sub(engine.reshape(mean, [n, m, f]), engine.mul(meanA, engine.reshape(mixed, [n, 1, f])));
  });
}

/** q [B, T, e], k [B, S, e] -> [B, T, S] */
function singleHeadPattern(engine: Engine, queries: Tensor, keys: Tensor, { scale, causal, window }: AttentionSkip): Tensor {
  const [samples, outputs, e] = queries.shape as [number, number, number];
  const positions = keys.shape[1];
  const pattern = attentionPattern(
    engine, engine.reshape(queries, [samples, 1, outputs, e]), engine.reshape(keys, [samples, 1, positions, e]), scale, causal, window,
  );
  return engine.reshape(pattern, [samples, outputs, positions]);
}

function centredOverPositions(engine: Engine, x: Tensor): Tensor {
  return engine.sub(x, engine.affine(engine.sum(x, [1], true), 1 / x.shape[1]));
}

/** 1 where output position t is input position s; the outputs are the last positions. */
function ownPositions(outputs: number, positions: number): Float64Array {
  const own = new Float64Array(outputs * positions);
  for (let t = 0; t < outputs; t += 1) own[t * positions + positions - outputs + t] = 1;
  return own;
}

/** Weights of all heads on the engine, and the function that frees them. */
export function headWeights(engine: Engine, heads: readonly { Q: Matrix; K: Matrix; V: Matrix }[]): { weights: HeadWeights[]; dispose: () => void } {
  const tensor = (a: Matrix): Tensor => engine.tensor(a.data, [a.rows, a.cols]);
  const weights = heads.map(({ Q, K, V }) => ({ Q: tensor(Q), K: tensor(K), V: tensor(V) }));
  return { weights, dispose: () => engine.dispose(...weights.flatMap(({ Q, K, V }) => [Q, K, V])) };
}
