/**
 * @file What the rank-one term of a norm brings to M' through the attention behind it. In the notation of normAttentionGram.ts and of method section 2.10,
 *
 *   R_ts = sum_h w_hts O_h C + delta_ts g_t skip C,
 *   w_hts = p_hts g_s V_h + c p_hts (g_s K_h q_hts) (v_hs - o_ht) + delta_ts c g_t Q_h B_ht                      [f]
 *
 * and with r_hts = R_ts (O_h C)^T, the sums over pairs of positions of |R|^2 l l^T and of
 *
 *   l_s ( [1, rho_s] R_ts (Z_ts C)^T ) = l_s [1, rho_s] ( V_h p r + c K_h p ((v_s - o_t) r) q_ts + delta_ts c Q_h B_ht r + delta_ts skip C R_tt ).
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { add, scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import { rotate } from "../../../network/rotary";
import type { IntegrationPoint } from "../../sources/integration";
import { longestChunk } from "../chunks";
import { sandwich, toTensor, withTranspose } from "../matrices";
import type { HeadState, HeadWeights, Turns } from "./attentionState";
import type { NormedPoint } from "./normedInput";

/** Numbers of one kind that are formed together: few enough to stay near the processor. */
const numbersTogether = 2 ** 21;

/** The norm of a chunk (normedInput.ts): points, l [B, S, m], and rho integrated [B, S, 1]. */
interface Normed {
  readonly points: readonly NormedPoint[];
  readonly left: Tensor;
  readonly integrated: Tensor;
}

/** One head at one point, as g sees it. */
export interface SeenHead {
  readonly state: HeadState;
  /** g V [B, S, f] and g K [B, S, e], turned where positions turn */
  readonly values: Tensor;
  readonly keys: Tensor;
  /** c g_t Q B_t [B, T, f] */
  readonly own: Tensor;
}

/** l^T times what one head brings, for each part of the norm's Jacobian: [m, f], [m, e], [m, e]. */
interface HeadSums { readonly V: Matrix; readonly K: Matrix; readonly Q: Matrix }

/** Call inside `tidy`. @param c scale of the scores */
export function seenHead(engine: Engine, state: HeadState, { V, K, Q }: HeadWeights, { fall }: NormedPoint, turns: Turns | null, c: number): SeenHead {
  const [samples, outputs, positions] = state.pattern.shape as [number, number, number];
  const [n, f] = state.mixed.shape as [number, number];
  const e = state.queries.shape[1];
  const plainKeys = engine.matMul(fall, K);
  const ownQueries = engine.reshape(engine.matMul(engine.slice(fall, [0, positions - outputs, 0], [samples, outputs, fall.shape[2]]), Q), [n, e]);
  const own = engine.sum(engine.mul(engine.reshape(engine.transpose(ownQueries, [1, 0]), [e, n, 1]), engine.reshape(state.covariance, [e, n, f])), [0]);
  return {
    state,
    values: engine.matMul(fall, V),
    keys: turns ? rotate(engine, turns.inputs, plainKeys) : plainKeys,
    own: engine.reshape(engine.affine(own, c), [samples, outputs, f]),
  };
}

export class NormRows {
  /** sum |R|^2 l l^T [m, m] */
  readonly #squares: Matrix;
  /** By part (1, rho) and head. */
  readonly #heads: readonly (readonly HeadSums[])[];
  /** sum l_t R_tt, by part: times the integral of 1 and of rho [m, r'] */
  readonly #skips: readonly Matrix[];
  readonly #weights: readonly HeadWeights[];
  /** w_a O_h C of all points and heads, stacked [P f, r'] */
  readonly #outOf: Tensor;
  readonly #skip: Tensor;

  /** @param skip skip C [d', r'] @param outOf O_h C @param width m */
  constructor(
    private readonly engine: Engine, private readonly structure: AttentionSkip, private readonly points: readonly IntegrationPoint[],
    skip: Matrix, outOf: readonly Matrix[], width: number,
  ) {
    const { heads } = structure;
    this.#squares = matrix(width, width);
    this.#heads = [0, 1].map(() => heads.map(({ V, K }) => ({ V: matrix(width, V.cols), K: matrix(width, K.cols), Q: matrix(width, K.cols) })));
    this.#skips = [0, 1].map(() => matrix(width, skip.cols));
    this.#weights = heads.map(({ V, K, Q }) => ({ V: toTensor(engine, V), K: toTensor(engine, K), Q: toTensor(engine, Q) }));
    this.#outOf = toTensor(engine, stacked(points.flatMap(({ weight }) => outOf.map((O) => scale(O, weight)))));
    this.#skip = toTensor(engine, skip);
  }

  /** Numbers that one sample takes for S positions. */
  size(positions: number): number {
    const [through, next] = this.#outOf.shape as [number, number];
    return positions * (6 * through + 3 * next);
  }

  /** @param states heads of all points, not scaled */
  async add(states: readonly HeadState[], normed: Normed, turns: Turns | null, checkCancelled: () => void): Promise<void> {
    const { engine, structure: { heads, scale: c } } = this;
    const [samples, outputs, positions] = states[0].pattern.shape as [number, number, number];
    const [through, next] = this.#outOf.shape as [number, number];
    const seen = states.map((state, place) => {
      checkCancelled();
      return engine.tidy(() => seenHead(engine, state, this.#weights[place % heads.length], normed.points[Math.floor(place / heads.length)], turns, c));
    });
    const skipped = engine.tidy(() => normed.points
      .map(({ fall }, point) => engine.affine(engine.matMul(engine.slice(fall, [0, positions - outputs, 0], [samples, outputs, fall.shape[2]]), this.#skip), this.points[point].weight))
      .reduce((sum, part) => engine.add(sum, part)));
    const rows = samples * positions;
    const most = Math.min(numbersTogether / (rows * Math.max(through, next)), longestChunk(engine) / (2 * rows * through * next));
    const together = Math.max(1, Math.min(outputs, Math.floor(most)));
    for (let first = 0; first < outputs; first += together) {
      checkCancelled();
      await this.#addOutputs(seen, skipped, normed, { first, count: Math.min(together, outputs - first) }, turns);
    }
    engine.dispose(skipped, ...seen.flatMap(({ values, keys, own }) => [values, keys, own]));
  }

  /** The rows of `count` outputs of every sample. */
  async #addOutputs(
    seen: readonly SeenHead[], skipped: Tensor, { points, left, integrated }: Normed, { first, count }: { first: number; count: number }, turns: Turns | null,
  ): Promise<void> {
    const { engine, structure: { heads, scale: c } } = this;
    const [samples, outputs, positions] = seen[0].state.pattern.shape as [number, number, number];
    const [through, next] = this.#outOf.shape as [number, number];
    const f = through / seen.length;
    const e = heads[0].K.cols;
    const place = positions - outputs + first;
    const isOwn = new Float64Array(count * positions);
    for (let t = 0; t < count; t += 1) isOwn[t * positions + place + t] = 1;
    const some = (x: Tensor, width: number): Tensor => engine.slice(engine.reshape(x, [samples, outputs, width]), [0, first, 0], [samples, count, width]);
    const here = (x: Tensor): Tensor => engine.slice(x, [0, place, 0], [samples, count, x.shape[2]]);
    const flat = (x: Tensor): Tensor => engine.reshape(x, [x.size / x.shape[x.shape.length - 1], x.shape[x.shape.length - 1]]);
    /** sum over positions of l times the factors times x, [m, width] */
    const withLeft = (lefts: Tensor, x: Tensor, factors: Tensor | null): Tensor => engine.matMul(flat(lefts), flat(factors ? engine.mul(x, factors) : x), { transposeA: true });
    const sums = engine.tidy(() => {
      const own = engine.tensor(isOwn, [1, count, positions, 1]);
      const atHeads = seen.map(({ state, values, keys, own: ownRow }) => {
        const pattern = some(state.pattern, positions);
        const queries = some(state.turned, e);
        const scores = engine.affine(engine.mul(pattern, engine.matMul(queries, keys, { transposeB: true })), c);
        const offsets = engine.sub(engine.reshape(state.values, [samples, 1, positions, f]), engine.reshape(some(state.mixed, f), [samples, count, 1, f]));
        const column = (x: Tensor): Tensor => engine.reshape(x, [samples, count, positions, 1]);
        const row = engine.add(
          engine.add(engine.mul(column(pattern), engine.reshape(values, [samples, 1, positions, f])), engine.mul(column(scores), offsets)),
          engine.mul(own, engine.reshape(some(ownRow, f), [samples, count, 1, f])),
        );
        return { pattern, queries, offsets, row, column };
      });
      const R = engine.add(
        engine.reshape(engine.matMul(flat(engine.concat(atHeads.map(({ row }) => row), 3)), this.#outOf), [samples, count, positions, next]),
        engine.mul(own, engine.reshape(some(skipped, next), [samples, count, 1, next])),
      );
      const back = engine.reshape(engine.matMul(flat(R), this.#outOf, { transposeB: true }), [samples, count, positions, seen.length, f]);
      const squares = engine.reshape(engine.sumOfSquares(R, [1, 3]), [samples, positions, 1]);
      const ownR = engine.sum(engine.mul(R, own), [2]);
      const lefts = here(left);
      return {
        squares: withLeft(left, left, squares),
        skips: [withLeft(lefts, ownR, null), withLeft(lefts, ownR, here(integrated))],
        heads: atHeads.map(({ pattern, queries, offsets, column }, index) => {
          const { rate } = points[Math.floor(index / heads.length)];
          const r = engine.reshape(engine.slice(back, [0, 0, 0, index, 0], [samples, count, positions, 1, f]), [samples, count, positions, f]);
          const toValues = engine.sum(engine.mul(column(pattern), r), [1]);
          const alongOffsets = engine.affine(engine.mul(pattern, engine.sum(engine.mul(offsets, r), [3])), c);
          const plainKeys = engine.matMul(alongOffsets, queries, { transposeA: true });
          const toKeys = turns ? rotate(engine, turns.inputs, plainKeys, true) : plainKeys;
          const ownRow = engine.reshape(engine.sum(engine.mul(r, own), [2]), [1, samples, count, f]);
          const covariance = engine.slice(engine.reshape(seen[index].state.covariance, [e, samples, outputs, f]), [0, 0, first, 0], [e, samples, count, f]);
          const toQueries = engine.affine(engine.transpose(engine.sum(engine.mul(covariance, ownRow), [3]), [1, 2, 0]), c);
          return [null, rate].map((factors) => ({
            V: withLeft(left, toValues, factors), K: withLeft(left, toKeys, factors), Q: withLeft(lefts, toQueries, factors && here(factors)),
          }));
        }),
      };
    });
    const take = async (total: Matrix, part: Tensor, weight = 1): Promise<void> => {
      await engine.addTo(total.data, part, weight);
      engine.dispose(part);
    };
    await take(this.#squares, sums.squares);
    for (const [part, sum] of sums.skips.entries()) await take(this.#skips[part], sum, part === 0 ? this.points.reduce((total, { weight }) => total + weight, 0) : 1);
    for (const [index, parts] of sums.heads.entries()) {
      for (const [part, { V, K, Q }] of parts.entries()) {
        const total = this.#heads[part][index % heads.length];
        await take(total.V, V);
        await take(total.K, K);
        await take(total.Q, Q);
      }
    }
  }

  /** M sum |R|^2 l l^T M^T + X + X^T [d, d]; @param seen heads through A, then through E @param skips skip C through A and through E */
  assemble(leftMap: Matrix, seen: readonly Pick<AttentionSkip["heads"][number], "Q" | "K" | "V">[], skips: readonly Matrix[]): Matrix {
    const mixed = this.#heads.flat().reduce((sum, { V, K, Q }, index) => {
      const head = seen[index];
      return [[V, head.V], [K, head.K], [Q, head.Q]].reduce((total, [left, right]) => add(total, multiply(left, right, { transposeB: true })), sum);
    }, matrix(leftMap.cols, leftMap.rows));
    const all = skips.reduce((sum, skip, part) => add(sum, multiply(this.#skips[part], skip, { transposeB: true })), mixed);
    return add(sandwich(leftMap, this.#squares, leftMap), withTranspose(multiply(leftMap, all)));
  }

  dispose(): void {
    this.engine.dispose(this.#outOf, this.#skip, ...this.#weights.flatMap(({ V, K, Q }) => [V, K, Q]));
  }
}
