/**
 * @file The small matrices that M' through attention consists of, summed over output positions: S_hm of some heads h and one head m, and the cross
 * term of one head with the skip connection (method section 2.10).
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { identity } from "../../../linalg/elementary";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { rotate } from "../../../network/rotary";
import { toTensor } from "../matrices";
import type { HeadState, Turns } from "./attentionState";
import { headOf, headsTogether, meet, perHead, perSample, type HeadGroup } from "./headGroups";

/** sum_t u_t [p_tt 1; c p_tt q_t (v_t - o_t)^T; c B_t], [f + 2e, f]. @param scales u [n, 1]; null for 1 */
export function crossTerms(engine: Engine, state: HeadState, c: number, scales: Tensor | null = null): Tensor {
  return engine.tidy(() => {
    const [n, f] = state.mixed.shape as [number, number];
    const e = state.queries.shape[1];
    const ownWeight = scales ? engine.mul(state.ownWeight, scales) : state.ownWeight;
    const own = engine.mul(toTensor(engine, identity(f)), engine.reshape(engine.sum(ownWeight, [0]), [1, 1]));
    const keys = engine.matMul(state.queries, engine.mul(ownWeight, state.ownOffset), { transposeA: true });
    const covariance = engine.reshape(state.covariance, [e, n, f]);
    const queries = engine.sum(scales ? engine.mul(covariance, engine.reshape(scales, [1, n, 1])) : covariance, [1]);
    return engine.concat([own, engine.affine(keys, c), engine.affine(queries, c)], 0);
  });
}

/** sum_t p_mtt B_ht of the heads h of a group with the own weights of all heads m: [g, all, e, f]. @param ownWeights p_mtt [all, n] */
export function covariancesByOwnWeights(engine: Engine, { covariances, queries, mixed }: HeadGroup, ownWeights: Tensor): Tensor {
  const [g, , e] = queries.shape as [number, number, number];
  const f = mixed.shape[2];
  const all = ownWeights.shape[0];
  return engine.tidy(() => {
    let first = 0;
    const summed = covariances.map((covariance) => {
      const outputs = covariance.shape[2] / f;
      const weights = engine.slice(ownWeights, [0, first], [all, outputs]);
      first += outputs;
      return engine.matMul(weights, engine.reshape(covariance, [g * e, outputs, f]));
    }).reduce((sum, part) => engine.add(sum, part));
    return engine.transpose(engine.reshape(summed, [g, e, all, f]), [0, 2, 1, 3]);
  });
}

/** What pairs of heads share of `covariancesByOwnWeights`, [g, e, f] each: sum_t p_mtt B_ht and sum_t p_htt B_mt. */
export interface OwnCovariances {
  readonly ofFirst: Tensor;
  readonly ofSecond: Tensor;
}

/** For each of K numbers of every output the covariances of a head, a group of its own, times these: [K e, n_i f] of some outputs at a time. @param scales [1, n, 1]; null for 1 */
export function scaledCovariances(engine: Engine, { covariances, queries, mixed }: HeadGroup, scales: readonly (Tensor | null)[]): Tensor[] {
  const [e, f] = [queries.shape[2], mixed.shape[2]];
  return engine.tidy(() => {
    let first = 0;
    return covariances.map((covariance) => {
      const outputs = covariance.shape[2] / f;
      const each = scales.map((scale) => {
        if (scale === null) return engine.reshape(covariance, [e, outputs * f]);
        const scaled = engine.mul(engine.reshape(covariance, [e, outputs, f]), engine.slice(scale, [0, first, 0], [1, outputs, 1]));
        return engine.reshape(scaled, [e, outputs * f]);
      });
      first += outputs;
      return each.length === 1 ? each[0] : engine.concat(each, 0);
    });
  });
}

/**
 * Blocks QQ of S_hm, c^2 sum_t u_t B_ht G B_mt^T, of the heads h of a group with one head m, for each of K numbers u_t: [g, e, K, e].
 * @param ofM u_t B_mt as `scaledCovariances` gives them @param G O_h P O_m^T [g, f, f]
 */
export function covariancePairs(engine: Engine, { covariances, queries }: HeadGroup, ofM: readonly Tensor[], G: Tensor, c: number): Tensor {
  const [g, , e] = queries.shape as [number, number, number];
  const f = G.shape[2];
  return engine.tidy(() => {
    // All heads h are the rows of one product with m.
    const products = covariances.map((covariance, piece) => engine.tidy(() => {
      const outputs = covariance.shape[2] / f;
      const seen = engine.matMul(engine.reshape(covariance, [g, e * outputs, f]), G);
      return engine.matMul(engine.reshape(seen, [g * e, outputs * f]), ofM[piece], { transposeB: true });
    }));
    return engine.reshape(engine.affine(products.reduce((sum, part) => engine.add(sum, part)), c * c), [g, e, ofM[0].shape[0] / e, e]);
  });
}

/**
 * S_hm of the heads h of a group and one head m, a group of its own: [g, f + 2e, f + 2e], blocks in the order values, keys, queries.
 * @param G O_h P O_m^T [g, f, f] @param QQ as `covariancePairs` gives it [g, e, e]
 */
export function pairTerms(
  engine: Engine, h: HeadGroup, m: HeadGroup, ownCovariances: OwnCovariances, G: Tensor, QQ: Tensor, c: number, turns: Turns | null,
): Tensor {
  return engine.tidy(() => {
    const pp = engine.mul(h.pattern, m.pattern);
    const s0 = perHead(engine, engine.sum(pp, [3], true));
    const VV = engine.mul(G, engine.sum(s0, [1], true));
    const { byQuery, KV, KK } = turns ? turnedKeyTerms(engine, h, m, pp, G, turns) : keyTerms(engine, h, m, pp, s0, G);
    const VK = engine.matMul(G, byQuery);

    const VQ = engine.affine(engine.matMul(G, ownCovariances.ofSecond, { transposeB: true }), c);
    const QV = engine.affine(engine.matMul(ownCovariances.ofFirst, G), c);

    const KQ = keyQuery(engine, h, m, G, c, turns);
    const QK = engine.transpose(keyQuery(engine, m, h, engine.transpose(G, [0, 2, 1]), c, turns), [0, 2, 1]);

    return engine.concat([
      engine.concat([VV, engine.affine(VK, c), VQ], 2),
      engine.concat([engine.affine(KV, c), engine.affine(KK, c * c), KQ], 2),
      engine.concat([QV, QK, QQ], 2),
    ], 1);
  });
}

/** What keys take part in, without c. */
interface KeyTerms {
  /** sum_ts pp_ts (v_ms - o_mt) q_mts^T [g, f, e] */
  readonly byQuery: Tensor;
  /** [g, e, f] */
  readonly KV: Tensor;
  /** [g, e, e] */
  readonly KK: Tensor;
}

/** @param pp p_h p_m [B, g, T, S] @param s0 its sums over s [g, n, 1] */
function keyTerms(engine: Engine, h: HeadGroup, m: HeadGroup, pp: Tensor, s0: Tensor, G: Tensor): KeyTerms {
  const samples = h.values.shape[0];
  const queriesM = engine.reshape(m.queries, m.queries.shape.slice(1));
  // Values and mixed values of h as the values of m meet them.
  const seen = perSample(engine, engine.matMul(perHead(engine, h.values), G), samples);
  const seenMixed = engine.matMul(h.mixed, G);
  const along = perHead(engine, engine.matMul(pp, seen));
  // sum_s p_hts p_mts (v_s - o_t)
  const offsetH = engine.sub(along, engine.mul(s0, seenMixed));
  const offsetM = engine.sub(perHead(engine, meet(engine, pp, m.values)), engine.mul(s0, m.mixed));
  // beta_t = sum_s pp_ts (v_hs - o_ht)^T G (v_ms - o_mt): sum pp v_h G v_m - (sum pp v_h) G o_m - o_h G (sum pp v_m - s0 o_m)
  const direct = perHead(engine, engine.matMul(pp, engine.sum(engine.mul(seen, m.values), [3], true)));
  const beta = engine.sub(direct, engine.sum(engine.add(engine.mul(along, m.mixed), engine.mul(seenMixed, offsetM)), [2], true));
  return {
    byQuery: engine.matMul(offsetM, queriesM, { transposeA: true }),
    KV: engine.matMul(h.queries, offsetH, { transposeA: true }),
    KK: engine.matMul(engine.mul(h.queries, beta), queriesM, { transposeA: true }),
  };
}

/** The same where positions turn: one head h after the other. */
function turnedKeyTerms(engine: Engine, group: HeadGroup, second: HeadGroup, pp: Tensor, G: Tensor, turns: Turns): KeyTerms {
  const m = headOf(engine, second, 0);
  const terms = Array.from({ length: group.queries.shape[0] }, (_, index) => engine.tidy(() => {
    const h = headOf(engine, group, index);
    const own = ofHead(engine, pp, 1, index);
    const metric = ofHead(engine, G, 0, index);
    return {
      byQuery: turnedOffsets(engine, m, own, turns),
      KV: engine.matMul(turnedOffsets(engine, h, own, turns), metric, { transposeA: true }),
      KK: turnedKeyPairs(engine, h, m, own, metric, turns),
    };
  }));
  const together = (parts: readonly Tensor[]): Tensor => engine.concat(parts.map((part) => engine.reshape(part, [1, ...part.shape])), 0);
  return { byQuery: together(terms.map(({ byQuery }) => byQuery)), KV: together(terms.map(({ KV }) => KV)), KK: together(terms.map(({ KK }) => KK)) };
}

/** One head of a tensor that has the heads along an axis, without that axis. */
function ofHead(engine: Engine, x: Tensor, axis: number, head: number): Tensor {
  const part = engine.slice(x, x.shape.map((_, at) => (at === axis ? head : 0)), x.shape.map((extent, at) => (at === axis ? 1 : extent)));
  return engine.reshape(part, x.shape.filter((_, at) => at !== axis));
}

/**
 * sum_ts pp_ts (v_s - o_t) q_ts^T [f, e] of one head.
 * @param pp any weights of pairs of positions [B, T, S] @param offset sum_s pp_ts (v_s - o_t) [n, f]
 */
export const offsetsByQuery = (engine: Engine, state: HeadState, pp: Tensor, offset: Tensor, turns: Turns | null): Tensor => (
  turns ? turnedOffsets(engine, state, pp, turns) : engine.matMul(offset, state.queries, { transposeA: true })
);

/** Numbers that the pairs of one group with a head take per sample, for S positions and T outputs. @param scales K */
export function pairTermsSize(structure: AttentionSkip, positions: number, outputs: number, scales = 1): number {
  const [e, f] = [structure.heads[0].Q.cols, structure.heads[0].V.cols];
  const perPair = outputs * (5 * positions + 10 * (e + f)) + 3 * positions * f + e * f;
  const covariances = outputs * e * f * (1 + (scales > 1 ? 2 * scales : 0));
  return headsTogether(structure) * perPair + covariances + (structure.rotary ? (3 * positions + outputs) * e * e : 0);
}

/** Multiplications of the longest step of these pairs per sample. */
export function pairTermsMultiplications(structure: AttentionSkip, positions: number, outputs: number, scales = 1): number {
  const [e, f] = [structure.heads[0].Q.cols, structure.heads[0].V.cols];
  const covariances = outputs * e * f * (f + scales * e);
  const others = outputs * positions * (6 * f + (structure.rotary ? e * e + 6 * e : 0)) + positions * f * f;
  return headsTogether(structure) * (covariances + others);
}

/** c^2 sum_t q_t p_tt (v_t - o_t)^T G B_t^T with q, p, v, o of `own` heads and B of `other` ones, of which one are g and one is one or g: [g, e, e]. @param G [g, f, f] */
function keyQuery(engine: Engine, own: HeadGroup, other: HeadGroup, G: Tensor, c: number, turns: Turns | null): Tensor {
  return engine.tidy(() => {
    const samples = other.values.shape[0];
    /** The only one as a plain matrix that all products share. */
    const shared = (x: Tensor): Tensor => (x.shape[0] === 1 ? engine.reshape(x, x.shape.slice(1)) : x);
    const direction = engine.matMul(shared(engine.mul(own.ownWeight, own.ownOffset)), G);
    // B_t u = R_t sum_s p_ts k_s ((v_s - o_t) u): attention-sized, without B itself.
    const alongValues = meet(engine, perSample(engine, direction, samples), other.values, { transposeB: true });
    const alongMixed = perSample(engine, engine.sum(engine.mul(direction, other.mixed), [2], true), samples);
    const weights = engine.mul(other.unscaled?.pattern ?? other.pattern, engine.sub(alongValues, alongMixed));
    const keys = meet(engine, weights, other.keys);
    const plain = perHead(engine, turns ? rotate(engine, turns.outputs, keys, true) : keys);
    const perOutput = other.unscaled ? engine.mul(plain, other.unscaled.ownScale) : plain;
    return engine.affine(engine.matMul(shared(own.queries), perOutput, { transposeA: true }), c * c);
  });
}

type TurnedHead = Pick<HeadState, "turned" | "values" | "mixed">;

/**
 * sum_ts pp_ts (v_s - o_t) q_ts^T [f, e] with q_ts = q_t R_t R_s^T: the values meet the queries that are summed at their position and turned
 * back there, the mixed values the query of their output averaged over the turns.
 */
export function turnedOffsets(engine: Engine, { turned, values, mixed }: TurnedHead, pp: Tensor, { inputs }: Turns): Tensor {
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
function turnedKeyPairs(engine: Engine, h: TurnedHead, m: TurnedHead, pp: Tensor, G: Tensor, { inputs }: Turns): Tensor {
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
