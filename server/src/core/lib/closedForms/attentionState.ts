/**
 * @file What every closed form through attention needs of a chunk of samples, head by head (method section 2.10). Keys and values
 * enter all formulas only as differences between positions, so they are centred per sample: nothing large cancels in float32.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import { attentionPattern } from "../../network/attentionModule";
import type { SectionStructure } from "../../network/sectionStructure";

export type AttentionSkip = Extract<SectionStructure, { kind: "attention-skip" }>;

/** Weights of one head that lead from the section's input (or its features) to queries, keys and values. */
export interface HeadWeights {
  readonly Q: Tensor;
  readonly K: Tensor;
  readonly V: Tensor;
}

/** n = samples times output positions, S input positions, e width of queries, f width of values. */
export interface HeadState {
  /** q_t [n, e] */
  readonly queries: Tensor;
  /** k_s [B, S, e], centred over s */
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
  /** B_t = sum_s p_ts k_s (v_s - o_t)^T, stored as [e, n f]: covariance of keys and values under the pattern. */
  readonly covariance: Tensor;
}

/** Numbers that the state of one head takes per sample, temporaries included. */
export function headStateSize(structure: AttentionSkip, positions: number): number {
  const { Q, V } = structure.heads[0];
  const outputs = structure.lastPositionOnly ? 1 : positions;
  return 2 * positions * Q.cols * V.cols + 3 * outputs * Q.cols * V.cols + 4 * outputs * positions;
}

/** @param x [B, S, width of the weights' rows]; call inside `tidy`. */
export function headState(engine: Engine, structure: AttentionSkip, weights: HeadWeights, x: Tensor): HeadState {
  const [samples, positions] = x.shape as [number, number, number];
  const outputs = structure.lastPositionOnly ? 1 : positions;
  const atOutputs = (all: Tensor): Tensor => (
    outputs === positions ? all : engine.slice(all, [0, positions - outputs, 0], [samples, outputs, all.shape[2]])
  );
  const n = samples * outputs;
  return engine.tidy(() => {
    const queries = engine.matMul(atOutputs(x), weights.Q);
    const rawKeys = engine.matMul(x, weights.K);
    const pattern = singleHeadPattern(engine, queries, rawKeys, structure);
    const keys = centredOverPositions(engine, rawKeys);
    const values = centredOverPositions(engine, engine.matMul(x, weights.V));
    const e = keys.shape[2];
    const f = values.shape[2];
    const mixed = engine.matMul(pattern, values);
    const products = engine.tidy(() => engine.transpose(covarianceWith(engine, { pattern, values, mixed }, keys), [1, 0, 2]));
    const own = engine.tensor(ownPositions(outputs, positions), [outputs, positions]);
    return {
      queries: engine.reshape(queries, [n, e]),
      keys,
      values,
      pattern,
      mixed: engine.reshape(mixed, [n, f]),
      ownWeight: engine.reshape(engine.sum(engine.mul(pattern, own), [2]), [n, 1]),
      ownOffset: engine.reshape(engine.sub(atOutputs(values), mixed), [n, f]),
      covariance: engine.reshape(products, [e, n * f]),
    };
  });
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
function singleHeadPattern(engine: Engine, queries: Tensor, keys: Tensor, { scale, causal }: AttentionSkip): Tensor {
  const [samples, outputs, e] = queries.shape as [number, number, number];
  const positions = keys.shape[1];
  const pattern = attentionPattern(
    engine, engine.reshape(queries, [samples, 1, outputs, e]), engine.reshape(keys, [samples, 1, positions, e]), scale, causal,
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
