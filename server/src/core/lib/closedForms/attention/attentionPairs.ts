/**
 * @file The small matrices that M' through attention consists of, summed over output positions: S_hm of two heads, and the cross term of
 * one head with the skip connection (method section 2.10).
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { identity } from "../../../linalg/elementary";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { rotate } from "../../../network/rotary";
import { toTensor } from "../matrices";
import type { HeadState, Turns } from "./attentionState";

/** A head whose Z_ts is scaled by a number of the input position s: pattern, own weights and covariances are scaled, what it attends to is not. */
export interface ScaledHead extends HeadState {
  readonly plain?: {
    /** p_ts [B, T, S] */
    readonly pattern: Tensor;
    /** The number at the own position of every output [n, 1]. */
    readonly ownScale: Tensor;
  };
}

/** @param factors a number for every input position [B, S, 1]; the outputs are the last of them */
export function scaledHead(engine: Engine, state: ScaledHead, factors: Tensor): ScaledHead {
  return engine.tidy(() => {
    const [samples, outputs, positions] = state.pattern.shape as [number, number, number];
    const [n, f] = state.mixed.shape as [number, number];
    const e = state.queries.shape[1];
    const own = engine.reshape(engine.slice(factors, [0, positions - outputs, 0], [samples, outputs, 1]), [n, 1]);
    const covariance = engine.mul(engine.reshape(state.covariance, [e, n, f]), engine.reshape(own, [1, n, 1]));
    return {
      ...state,
      pattern: engine.mul(state.pattern, engine.reshape(factors, [samples, 1, positions])),
      ownWeight: engine.mul(state.ownWeight, own),
      covariance: engine.reshape(covariance, [e, n * f]),
      plain: { pattern: state.plain?.pattern ?? state.pattern, ownScale: state.plain ? engine.mul(state.plain.ownScale, own) : own },
    };
  });
}

/** sum_t of [p_tt 1; c p_tt q_t (v_t - o_t)^T; c B_t], [f + 2e, f]. */
export function crossTerms(engine: Engine, state: HeadState, c: number): Tensor {
  return engine.tidy(() => {
    const [n, f] = state.mixed.shape as [number, number];
    const e = state.queries.shape[1];
    const own = engine.mul(toTensor(engine, identity(f)), engine.reshape(engine.sum(state.ownWeight, [0]), [1, 1]));
    const weighted = engine.mul(state.ownWeight, state.ownOffset);
    const keys = engine.affine(engine.matMul(state.queries, weighted, { transposeA: true }), c);
    const queries = engine.affine(engine.sum(engine.reshape(state.covariance, [e, n, f]), [1]), c);
    return engine.concat([own, keys, queries], 0);
  });
}

/** sum_t p_mtt B_ht of one head with the own weights of every head: [heads, e, f]. */
export function covariancesByOwnWeights(engine: Engine, { covariance, queries, mixed }: HeadState, states: readonly HeadState[]): Tensor {
  const [n, e] = queries.shape as [number, number];
  const f = mixed.shape[1];
  return engine.tidy(() => {
    const own = engine.concat(states.map(({ ownWeight }) => engine.reshape(ownWeight, [1, n])), 0);
    return engine.transpose(engine.matMul(own, engine.reshape(covariance, [e, n, f])), [1, 0, 2]);
  });
}

/** What pairs of heads share of `covariancesByOwnWeights`, [e, f] each: sum_t p_mtt B_ht and sum_t p_htt B_mt. */
export interface OwnCovariances {
  readonly ofFirst: Tensor;
  readonly ofSecond: Tensor;
}

/** S_hm [f + 2e, f + 2e], blocks in the order values, keys, queries. @param G O_h P O_m^T [f, f] */
export function pairTerms(
  engine: Engine, h: ScaledHead, m: ScaledHead, ownCovariances: OwnCovariances, G: Tensor, c: number, turns: Turns | null,
): Tensor {
  return engine.tidy(() => {
    const [n, f] = h.mixed.shape as [number, number];
    const e = h.queries.shape[1];
    const pp = engine.mul(h.pattern, m.pattern);
    const s0 = engine.reshape(engine.sum(pp, [2]), [n, 1]);
    const mixedBy = (values: Tensor): Tensor => engine.reshape(engine.matMul(pp, values), [n, f]);
    const ppH = mixedBy(h.values);
    const ppM = mixedBy(m.values);
    // sum_s p_hts p_mts (v_s - o_t)
    const offsetH = engine.sub(ppH, engine.mul(s0, h.mixed));
    const offsetM = engine.sub(ppM, engine.mul(s0, m.mixed));

    const VV = engine.mul(G, engine.reshape(engine.sum(s0, [0]), [1, 1]));
    const VK = engine.affine(engine.matMul(G, offsetsByQuery(engine, m, pp, offsetM, turns)), c);
    const KV = engine.affine(engine.matMul(offsetsByQuery(engine, h, pp, offsetH, turns), G, { transposeA: true }), c);
    const KK = engine.affine(turns
      ? turnedKeyPairs(engine, h, m, pp, G, turns)
      : engine.matMul(engine.mul(h.queries, pairVariance(engine, h, m, pp, G, { ppH, offsetM })), m.queries, { transposeA: true }), c * c);

    const VQ = engine.affine(engine.matMul(G, ownCovariances.ofSecond, { transposeB: true }), c);
    const QV = engine.affine(engine.matMul(ownCovariances.ofFirst, G), c);

    const KQ = keyQuery(engine, h, m, G, c, turns);
    const QK = engine.transpose(keyQuery(engine, m, h, engine.transpose(G, [1, 0]), c, turns), [1, 0]);

    const turnedByMetric = engine.reshape(engine.matMul(engine.reshape(h.covariance, [e * n, f]), G), [e, n * f]);
    const QQ = engine.affine(engine.matMul(turnedByMetric, m.covariance, { transposeB: true }), c * c);

    return engine.concat([
      engine.concat([VV, VK, VQ], 1),
      engine.concat([KV, KK, KQ], 1),
      engine.concat([QV, QK, QQ], 1),
    ], 0);
  });
}

/**
 * sum_ts pp_ts (v_s - o_t) q_ts^T [f, e] of one head.
 * @param pp any weights of pairs of positions [B, T, S] @param offset sum_s pp_ts (v_s - o_t) [n, f]
 */
export const offsetsByQuery = (engine: Engine, state: HeadState, pp: Tensor, offset: Tensor, turns: Turns | null): Tensor => (
  turns ? turnedOffsets(engine, state, pp, turns) : engine.matMul(offset, state.queries, { transposeA: true })
);

/** Numbers that `pairTerms` takes per sample, for S positions and T outputs. */
export function pairTermsSize({ heads, rotary }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return outputs * (e * f + 5 * positions + 8 * (e + f)) + 2 * positions * f + (rotary ? (3 * positions + outputs) * e * e : 0);
}

/** Multiplications of `pairTerms` per sample. */
export function pairTermsMultiplications({ heads, rotary }: AttentionSkip, positions: number, outputs: number): number {
  const [e, f] = [heads[0].Q.cols, heads[0].V.cols];
  return outputs * (e * f * (e + f) + 6 * positions * f + (rotary ? positions * (e * e + 6 * e) : 0));
}

/** c^2 sum_t q_t p_tt (v_t - o_t)^T G B_t^T with q, p, v, o of one head and B of another, [e, e]. */
function keyQuery(engine: Engine, own: ScaledHead, other: ScaledHead, G: Tensor, c: number, turns: Turns | null): Tensor {
  return engine.tidy(() => {
    const [samples, , f] = other.values.shape as [number, number, number];
    const [n, e] = own.queries.shape as [number, number];
    const direction = engine.matMul(engine.mul(own.ownWeight, own.ownOffset), G);
    // B_t u = R_t sum_s p_ts k_s ((v_s - o_t) u): attention-sized, without B itself.
    const alongValues = engine.matMul(engine.reshape(direction, [samples, n / samples, f]), other.values, { transposeB: true });
    const alongMixed = engine.reshape(engine.sum(engine.mul(direction, other.mixed), [1]), [samples, n / samples, 1]);
    const weights = engine.mul(other.plain?.pattern ?? other.pattern, engine.sub(alongValues, alongMixed));
    const keys = engine.matMul(weights, other.keys);
    const plain = engine.reshape(turns ? rotate(engine, turns.outputs, keys, true) : keys, [n, e]);
    const perOutput = other.plain ? engine.mul(plain, other.plain.ownScale) : plain;
    return engine.affine(engine.matMul(own.queries, perOutput, { transposeA: true }), c * c);
  });
}

/** beta_t = sum_s p_hts p_mts (v_hs - o_ht)^T G (v_ms - o_mt), [n, 1]. */
function pairVariance(
  engine: Engine, h: HeadState, m: HeadState, pp: Tensor, G: Tensor, { ppH, offsetM }: { ppH: Tensor; offsetM: Tensor },
): Tensor {
  const [n] = h.mixed.shape;
  const [samples, positions] = h.values.shape as [number, number, number];
  const valueProducts = engine.sum(engine.mul(engine.matMul(h.values, G), m.values), [2]);
  const direct = engine.reshape(engine.matMul(pp, engine.reshape(valueProducts, [samples, positions, 1])), [n, 1]);
  const dot = (a: Tensor, b: Tensor): Tensor => engine.sum(engine.mul(engine.matMul(a, G), b), [1], true);
  // sum pp v_h G v_m - (sum pp v_h) G o_m - o_h G (sum pp v_m - s0 o_m)
  return engine.sub(engine.sub(direct, dot(ppH, m.mixed)), dot(h.mixed, offsetM));
}

/**
 * sum_ts pp_ts (v_s - o_t) q_ts^T [f, e] with q_ts = q_t R_t R_s^T: the values meet the queries that are summed at their position and turned
 * back there, the mixed values the query of their output averaged over the turns.
 */
export function turnedOffsets(engine: Engine, { turned, values, mixed }: HeadState, pp: Tensor, { inputs }: Turns): Tensor {
  const [samples, outputs] = pp.shape as [number, number, number];
  const [n, e] = turned.shape as [number, number];
  const rows = (x: Tensor): Tensor => engine.reshape(x, [x.size / x.shape[2], x.shape[2]]);
  const queries = engine.reshape(turned, [samples, outputs, e]);
  const atKeys = rotate(engine, inputs, engine.matMul(pp, queries, { transposeA: true }), true);
  const along = engine.mul(queries, engine.matMul(pp, inputs.cosines));
  const across = engine.mul(engine.matMul(queries, inputs.swap), engine.matMul(pp, inputs.sines));
  const averaged = engine.reshape(engine.sub(along, across), [n, e]);
  return engine.sub(
    engine.matMul(rows(values), rows(atKeys), { transposeA: true }),
    engine.matMul(mixed, averaged, { transposeA: true }),
  );
}

/** sum_ts pp_ts (v_hs - o_ht)^T G (v_ms - o_mt) q_hts q_mts^T [e, e]: sums over t per key position, turned back there. */
function turnedKeyPairs(engine: Engine, h: HeadState, m: HeadState, pp: Tensor, G: Tensor, { inputs }: Turns): Tensor {
  const [samples, outputs, positions] = pp.shape as [number, number, number];
  const [n, e] = h.turned.shape as [number, number];
  const f = G.shape[0];
  const perOutput = (x: Tensor): Tensor => engine.reshape(x, [samples, outputs, f]);
  const mixedH = engine.matMul(h.mixed, G);
  const mixedM = engine.matMul(m.mixed, G, { transposeB: true });
  const atKeys = engine.reshape(engine.sum(engine.mul(engine.matMul(h.values, G), m.values), [2]), [samples, 1, positions]);
  const atOutputs = engine.reshape(engine.sum(engine.mul(mixedH, m.mixed), [1]), [samples, outputs, 1]);
  const between = engine.add(
    engine.matMul(perOutput(mixedM), h.values, { transposeB: true }),
    engine.matMul(perOutput(mixedH), m.values, { transposeB: true }),
  );
  const weights = engine.mul(pp, engine.sub(engine.add(atKeys, atOutputs), between));
  const outer = engine.mul(engine.reshape(h.turned, [n, e, 1]), engine.reshape(m.turned, [n, 1, e]));
  const summed = engine.matMul(weights, engine.reshape(outer, [samples, outputs, e * e]), { transposeA: true });
  const table = (x: Tensor): Tensor => engine.reshape(x, [positions, 1, e]);
  const rotations = { cosines: table(inputs.cosines), sines: table(inputs.sines), swap: inputs.swap };
  const turnBack = (x: Tensor): Tensor => engine.transpose(rotate(engine, rotations, x, true), [0, 1, 3, 2]);
  return engine.sum(engine.reshape(turnBack(turnBack(engine.reshape(summed, [samples, positions, e, e]))), [samples * positions, e, e]), [0]);
}
