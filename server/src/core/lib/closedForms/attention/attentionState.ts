/**
 * @file What every closed form through attention needs of a chunk of samples, head by head (method section 2.10). Keys and values
 * enter all formulas only as differences between positions, so they are centred per sample: nothing large cancels in float32.
 * With rotary positions R_t the scores are (q_t R_t)(k_s R_s)^T: a key meets q_ts = q_t R_t R_s^T, which depends on its position.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import type { Matrix } from "../../../linalg/matrix";
import { attentionPattern } from "../../../network/attentionModule";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { rotate, rotation, type Rotation } from "../../../network/rotary";
import { forEachChunk, longestChunk, samplesThatFit } from "../chunks";

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

/** What a head attends to, for B samples: T output and S input positions, e width of queries, f width of values. */
export interface HeadPattern {
  /** q_t [B, T, e], not turned. */
  readonly queries: Tensor;
  /** q_t R_t [B, T, e] */
  readonly turned: Tensor;
  /** k_s R_s [B, S, e], centred over s */
  readonly keys: Tensor;
  /** v_s [B, S, f], centred over s */
  readonly values: Tensor;
  /** p_ts [B, T, S] */
  readonly pattern: Tensor;
  /** o_t [B, T, f], of the centred values */
  readonly mixed: Tensor;
}

/** The same with the n = B T outputs of all samples as one axis (`queries`, `turned`, `mixed`: [n, ...]), and what squares need. */
export interface HeadState extends HeadPattern {
  /** p_tt [n, 1] */
  readonly ownWeight: Tensor;
  /** v_t - o_t [n, f] */
  readonly ownOffset: Tensor;
  /** B_t = R_t sum_s p_ts (k_s R_s)^T (v_s - o_t), stored as [e, n f]: covariance of keys and values under the pattern. */
  readonly covariance: Tensor;
}

/** Output positions are taken in blocks of at most this many: later positions, which a causal pattern does not read, are left out. */
const largestBlock = 128;

/** Output positions of the largest block of a sample. */
export function outputsTogether({ causal, lastPositionOnly }: AttentionSkip, positions: number): number {
  if (lastPositionOnly) return 1;
  return causal ? Math.min(positions, largestBlock) : positions;
}

/**
 * Calls `body` with the positions that some output positions read, [B, S', d], and their number: they are the last of the S'.
 * @param valuesPerSample numbers that the temporaries of one sample take, for S' positions and T outputs
 * @param multiplicationsPerSample of the longest step that `body` takes between two checks for a cancelled run
 */
export async function forEachBlock(
  engine: Engine, structure: AttentionSkip, batch: Tensor, valuesPerSample: (positions: number, outputs: number) => number, memoryBudget: number,
  body: (x: Tensor, outputs: number) => Promise<void>, multiplicationsPerSample: (positions: number, outputs: number) => number,
): Promise<void> {
  const [, positions, width] = batch.shape as [number, number, number];
  const all = structure.lastPositionOnly ? 1 : positions;
  let block = outputsTogether(structure, positions);
  // Only with a causal pattern are the outputs of a block the last of the positions that they read.
  if (structure.causal) {
    const fits = (outputs: number): boolean => (
      samplesThatFit(engine, valuesPerSample(positions, outputs), memoryBudget) >= 1 && multiplicationsPerSample(positions, outputs) <= longestChunk(engine)
    );
    while (block > 1 && !fits(block)) block = Math.ceil(block / 2);
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
  }, multiplicationsPerSample(positions, block));
}

/** Input positions that one of them reads as an output: `count` of them from `first`. @param own the output's position */
export function readPositions({ causal, window }: AttentionSkip, positions: number, own: number): { first: number; count: number } {
  const first = window === null ? 0 : Math.max(0, own - window + 1);
  return { first, count: Math.min(positions, causal ? own + 1 : positions, window === null ? positions : own + window) - first };
}

/** Multiplications that make the state of one head of a sample, for S positions and T outputs. */
export function headStateMultiplications({ heads, skip }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return positions * skip.rows * (e + f) + outputs * skip.rows * e + positions * outputs * (e * f + e + f);
}

/** Numbers that the state of one head keeps per sample, for S positions and T outputs. */
export function headStateSize({ heads, rotary }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return outputs * (e * f + positions + 2 * (e + f)) + positions * (e + f) + (rotary ? outputs * e : 0);
}

/** Numbers that making the state of one head takes per sample besides. */
export function headStateTemporaries({ heads, rotary }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return outputs * (2 * positions * f + (rotary ? 4 : 1) * e * f + 4 * positions) + 2 * positions * (e + f);
}

/** The turns of queries and keys: of all `positions`, and of the last `outputs` of them; null without rotary positions. */
export function turnsOf(engine: Engine, { rotary, heads }: AttentionSkip, positions: number, outputs: number): Turns | null {
  if (!rotary) return null;
  const width = heads[0].Q.cols;
  const inputs = rotation(engine, rotary, width, positions);
  const last = (table: Tensor): Tensor => engine.slice(table, [positions - outputs, 0], [outputs, width]);
  return { inputs, outputs: { ...inputs, cosines: last(inputs.cosines), sines: last(inputs.sines) } };
}

/** The last `outputs` positions of x [B, S, width]. */
export function lastPositions(engine: Engine, x: Tensor, outputs: number): Tensor {
  const [samples, positions, width] = x.shape as [number, number, number];
  return outputs === positions ? x : engine.slice(x, [0, positions - outputs, 0], [samples, outputs, width]);
}

/** @param x [B, S, width of the weights' rows], the outputs are its last positions; call inside `tidy`. */
export function headPattern(engine: Engine, structure: AttentionSkip, weights: HeadWeights, x: Tensor, outputs: number, turns: Turns | null): HeadPattern {
  return engine.tidy(() => {
    const queries = engine.matMul(lastPositions(engine, x, outputs), weights.Q);
    const turned = turns ? rotate(engine, turns.outputs, queries) : queries;
    const plainKeys = engine.matMul(x, weights.K);
    const keys = turns ? rotate(engine, turns.inputs, plainKeys) : plainKeys;
    const pattern = singleHeadPattern(engine, turned, keys, structure);
    const values = centredOverPositions(engine, engine.matMul(x, weights.V));
    return { queries, turned, keys: centredOverPositions(engine, keys), values, pattern, mixed: engine.matMul(pattern, values) };
  });
}

/** @param x [B, S, width of the weights' rows], the outputs are its last positions; call inside `tidy`. */
export function headState(engine: Engine, structure: AttentionSkip, weights: HeadWeights, x: Tensor, outputs: number, turns: Turns | null): HeadState {
  const [samples, positions] = x.shape as [number, number, number];
  const n = samples * outputs;
  return engine.tidy(() => {
    const { queries, turned, keys, values, pattern, mixed } = headPattern(engine, structure, weights, x, outputs, turns);
    const e = keys.shape[2];
    const f = values.shape[2];
    const covariance = engine.tidy(() => {
      const products = engine.matMul(keys, weightedOffsets(engine, { pattern, values, mixed }), { transposeA: true });
      return turns ? keysTurnedBack(engine, turns, products, [samples, outputs, e, f]) : firstAxesExchanged(engine, products);
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
      ownOffset: engine.reshape(engine.sub(lastPositions(engine, values, outputs), mixed), [n, f]),
      covariance: engine.reshape(covariance, [e, n * f]),
    };
  });
}

/** Covariances [B, e, T f] of turned keys, seen from the query before its turn: [e, n f]. */
function keysTurnedBack(engine: Engine, { outputs }: Turns, covariance: Tensor, [samples, positions, e, f]: readonly [number, number, number, number]): Tensor {
  const byKey = engine.transpose(engine.reshape(covariance, [samples, e, positions, f]), [0, 2, 3, 1]);
  const perRow = (table: Tensor): Tensor => engine.reshape(table, [positions, 1, e]);
  const back = rotate(engine, { cosines: perRow(outputs.cosines), sines: perRow(outputs.sines), swap: outputs.swap }, byKey, true);
  return engine.transpose(engine.reshape(back, [samples * positions * f, e]), [1, 0]);
}

/** p_ts (v_s - o_t), [B, S, T f]: what meets keys in the covariance, and features in psi (method section 3.6). */
export function weightedOffsets(engine: Engine, { pattern, values, mixed }: Pick<HeadState, "pattern" | "values" | "mixed">): Tensor {
  const [samples, outputs, positions] = pattern.shape as [number, number, number];
  const f = values.shape[2];
  return engine.tidy(() => {
    const offsets = engine.sub(engine.reshape(values, [samples, positions, 1, f]), engine.reshape(mixed, [samples, 1, outputs, f]));
    const weights = engine.reshape(engine.transpose(pattern, [0, 2, 1]), [samples, positions, outputs, 1]);
    return engine.reshape(engine.mul(weights, offsets), [samples, positions, outputs * f]);
  });
}

/** [a, b, k] -> [b, a, k]; call inside `tidy`. */
export function firstAxesExchanged(engine: Engine, x: Tensor): Tensor {
  const [a, b, k] = x.shape as [number, number, number];
  return a === 1 || b === 1 ? engine.reshape(x, [b, a, k]) : engine.transpose(x, [1, 0, 2]);
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
