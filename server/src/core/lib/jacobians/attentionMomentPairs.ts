/**
 * @file The squares of what every pair of positions has in the Jacobian through attention (G of attentionMoments.ts), summed over pairs of heads:
 *
 *   sum_ts G_ts^2 = sum_hm M_h ∘ ( s_hm M_m + 2 c C_pinv K_m W_hm L_m ) + KK
 *   s_hm = sum_ts p_hts p_mts,   W_hm = sum_ts p_hts p_mts q_mts^T (v_ms - o_mt)          [e, f]
 *   KK = sum_hm sum_t (k_ht ∘ k_mt)^T Psi_hmt,   Psi_hmt = sum_s p_hts p_mts (v_hs - o_ht) L_h ∘ (v_ms - o_mt) L_m     [r']
 *
 * so that a pair of heads costs one product of all outputs and not one of all pairs of positions. With rotary positions k depends on s as well;
 * then KK alone is summed over pairs of positions, those that the pattern reads.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { add, hadamard, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { AttentionSkip } from "../../network/attentionStructure";
import { besides, stacked } from "../../network/folding";
import { rotate } from "../../network/rotary";
import { offsetsByQuery } from "../closedForms/attention/attentionPairs";
import { readPositions, type HeadState, type Turns } from "../closedForms/attention/attentionState";
import { longestChunk } from "../closedForms/chunks";
import { toTensor } from "../closedForms/matrices";

/** Weights of one head at one point of the integration, between the features. */
export interface MomentHead {
  /** c C_pinv Q_h and c C_pinv K_h [r, e] */
  readonly Q: Matrix;
  readonly K: Matrix;
  /** C_pinv V_h [r, f] */
  readonly V: Matrix;
  /** L_h [f, r'] */
  readonly L: Matrix;
}

/** A head of a chunk, seen from the features. */
interface HeadOfChunk {
  readonly state: HeadState;
  /** k_t [n, r]; null where it depends on s. */
  readonly keys: Tensor | null;
  /** v_s L [B, S, r'] */
  readonly values: Tensor;
  /** o_t L [n, r'] */
  readonly mixed: Tensor;
}

/** Entries of Jacobians that are formed together where keys turn, and features of them: few enough to stay near the processor. */
const entriesTogether = 2 ** 21;
const turnedFeaturesTogether = 64;

export class MomentPairs {
  /** s [H, H] */
  readonly #weights: Matrix;
  /** W_hm^T [f, e] in row h, column m */
  readonly #offsets: Matrix[][];
  /** KK [r, r'] */
  readonly #keySquares: Matrix;
  /** c C_pinv K_h [r, e] and L_h [f, r'] */
  readonly #keys: readonly Tensor[];
  readonly #outOf: readonly Tensor[];

  constructor(private readonly engine: Engine, private readonly structure: AttentionSkip, private readonly heads: readonly MomentHead[]) {
    const [{ K, L }] = heads;
    this.#weights = matrix(heads.length, heads.length);
    this.#offsets = heads.map(() => heads.map(() => matrix(L.rows, K.cols)));
    this.#keySquares = matrix(K.rows, L.cols);
    this.#keys = heads.map((head) => toTensor(engine, head.K));
    this.#outOf = heads.map((head) => toTensor(engine, head.L));
  }

  /** Numbers that a chunk takes per sample, for S positions and T outputs. */
  size(positions: number, outputs: number): number {
    const [{ K, L }] = this.heads;
    const [r, f, next] = [K.rows, L.rows, L.cols];
    const held = this.heads.length * ((positions + outputs) * next + (this.structure.rotary ? 0 : outputs * r));
    if (this.structure.rotary) return held + this.heads.length * positions * (r + 2 * next) + outputs * (4 * f + positions);
    return held + positions * next + outputs * (positions + 4 * f + 2 * r + 6 * next);
  }

  /** Of one pair of heads, per sample. */
  multiplications(positions: number, outputs: number): number {
    const [{ K, L }] = this.heads;
    const [r, e, f, next] = [K.rows, K.cols, L.rows, L.cols];
    const sums = 2 * outputs * f * (positions + e);
    if (this.structure.rotary) return Math.max(positions * f * next, sums + 6 * outputs * positions * e);
    return sums + outputs * next * (positions + 2 * f + r);
  }

  async add(states: readonly HeadState[], turns: Turns | null, checkCancelled: () => void): Promise<void> {
    const { engine } = this;
    const heads: HeadOfChunk[] = [];
    for (const [h, state] of states.entries()) {
      checkCancelled();
      heads.push(engine.tidy(() => ({
        state,
        keys: turns ? null : engine.matMul(state.queries, this.#keys[h], { transposeB: true }),
        values: engine.matMul(state.values, this.#outOf[h]),
        mixed: engine.matMul(state.mixed, this.#outOf[h]),
      })));
    }
    for (let h = 0; h < heads.length; h += 1) {
      for (let m = h; m < heads.length; m += 1) {
        checkCancelled();
        await this.#addPair(heads, h, m, turns);
      }
    }
    if (turns) await this.#addTurnedKeys(heads, turns, checkCancelled);
    engine.dispose(...heads.flatMap(({ keys, values, mixed }) => [values, mixed, ...(keys ? [keys] : [])]));
  }

  async #addPair(heads: readonly HeadOfChunk[], h: number, m: number, turns: Turns | null): Promise<void> {
    const { engine } = this;
    const [first, second] = [heads[h].state, heads[m].state];
    const { weight, byFirst, bySecond, squares } = engine.tidy(() => {
      const [n, f] = first.mixed.shape as [number, number];
      const pp = engine.mul(first.pattern, second.pattern);
      const perOutput = engine.reshape(engine.sum(pp, [2]), [n, 1]);
      const along = (state: HeadState): Tensor => engine.reshape(engine.matMul(pp, state.values), [n, f]);
      const ofFirst = along(first);
      const offset = engine.sub(along(second), engine.mul(perOutput, second.mixed));
      return {
        weight: engine.sum(perOutput, [0, 1]),
        byFirst: offsetsByQuery(engine, first, pp, engine.sub(ofFirst, engine.mul(perOutput, first.mixed)), turns),
        bySecond: offsetsByQuery(engine, second, pp, offset, turns),
        squares: turns ? null : this.#keyPairs(heads, h, m, pp, { ofFirst, offset }),
      };
    });
    const [s] = await engine.read(weight);
    this.#weights.data[h * heads.length + m] += s;
    if (m > h) this.#weights.data[m * heads.length + h] += s;
    await engine.addTo(this.#offsets[h][m].data, bySecond);
    if (m > h) await engine.addTo(this.#offsets[m][h].data, byFirst);
    if (squares) await engine.addTo(this.#keySquares.data, squares, m > h ? 2 : 1);
    engine.dispose(weight, byFirst, bySecond, ...(squares ? [squares] : []));
  }

  /**
   * sum_t (k_ht ∘ k_mt)^T Psi_hmt [r, r'] of two heads.
   * @param ofFirst sum_s pp_ts v_hs [n, f] @param offset sum_s pp_ts (v_ms - o_mt) [n, f]
   */
  #keyPairs(heads: readonly HeadOfChunk[], h: number, m: number, pp: Tensor, { ofFirst, offset }: { ofFirst: Tensor; offset: Tensor }): Tensor {
    const { engine } = this;
    const [first, second] = [heads[h], heads[m]];
    const direct = engine.reshape(engine.matMul(pp, engine.mul(first.values, second.values)), first.mixed.shape);
    // sum pp y_h y_m - (sum pp y_h) o_m - o_h sum pp (y_m - o_m), with y = v L
    const psi = engine.sub(
      engine.sub(direct, engine.mul(engine.matMul(ofFirst, this.#outOf[h]), second.mixed)),
      engine.mul(first.mixed, engine.matMul(offset, this.#outOf[m])),
    );
    return engine.matMul(engine.mul(first.keys!, second.keys!), psi, { transposeA: true });
  }

  /** KK with rotary positions, one output position of all samples at a time. */
  async #addTurnedKeys(heads: readonly HeadOfChunk[], turns: Turns, checkCancelled: () => void): Promise<void> {
    const { engine } = this;
    const outputs = heads[0].state.pattern.shape[1];
    for (let output = 0; output < outputs; output += 1) {
      checkCancelled();
      const { keys, offsets } = engine.tidy(() => {
        const parts = heads.map((head, h) => this.#atOutput(head, h, output, turns));
        return { keys: engine.concat(parts.map((part) => part.keys), 1), offsets: engine.concat(parts.map((part) => part.offsets), 1) };
      });
      await this.#addProducts(keys, offsets, checkCancelled);
      engine.dispose(keys, offsets);
    }
  }

  /** k_ts [rows, 1, r] and p_ts (v_s - o_t) L [rows, 1, r'] of one output position with the positions that it reads, as rows over all samples. */
  #atOutput({ state, values, mixed }: HeadOfChunk, h: number, output: number, { inputs }: Turns): { keys: Tensor; offsets: Tensor } {
    const { engine } = this;
    const [samples, outputs, positions] = state.pattern.shape as [number, number, number];
    const { first: from, count } = readPositions(this.structure, positions, positions - outputs + output);
    const e = state.turned.shape[1];
    const next = mixed.shape[1];
    const read = (table: Tensor): Tensor => engine.slice(table, [from, 0], [count, table.shape[1]]);
    const atOutput = (x: Tensor, width: number): Tensor => engine.slice(engine.reshape(x, [samples, outputs, width]), [0, output, 0], [samples, 1, width]);
    const queries = rotate(engine, { ...inputs, cosines: read(inputs.cosines), sines: read(inputs.sines) }, atOutput(state.turned, e), true);
    const keys = engine.matMul(engine.reshape(queries, [samples * count, e]), this.#keys[h], { transposeB: true });
    const pattern = engine.reshape(engine.slice(state.pattern, [0, output, from], [samples, 1, count]), [samples, count, 1]);
    const offsets = engine.mul(pattern, engine.sub(engine.slice(values, [0, from, 0], [samples, count, next]), atOutput(mixed, next)));
    return { keys: engine.reshape(keys, [samples * count, 1, keys.shape[1]]), offsets: engine.reshape(offsets, [samples * count, 1, next]) };
  }

  /** Adds the squares of k^T l over rows: k [rows, H, r], l [rows, H, r']. */
  async #addProducts(keys: Tensor, offsets: Tensor, checkCancelled: () => void): Promise<void> {
    const { engine } = this;
    const [rows, heads, r] = keys.shape as [number, number, number];
    const next = offsets.shape[2];
    for (let feature = 0; feature < r; feature += turnedFeaturesTogether) {
      const features = Math.min(turnedFeaturesTogether, r - feature);
      const together = Math.max(1, Math.floor(Math.min(entriesTogether, longestChunk(engine) / heads) / (features * next)));
      const sums = matrix(features, next, this.#keySquares.data.subarray(feature * next, (feature + features) * next));
      for (let row = 0; row < rows; row += together) {
        checkCancelled();
        const count = Math.min(together, rows - row);
        const squares = engine.tidy(() => engine.sumOfSquares(engine.matMul(
          engine.slice(keys, [row, 0, feature], [count, heads, features]), engine.slice(offsets, [row, 0, 0], [count, heads, next]), { transposeA: true },
        ), [0]));
        await engine.addTo(sums.data, squares);
        engine.dispose(squares);
      }
    }
  }

  /** sum_ts G_ts^2 [r, r'] */
  assemble(checkCancelled: () => void): Matrix {
    const { heads } = this;
    const outOf = stacked(heads.map(({ L }) => L));
    return heads.reduce((total, first, h) => {
      checkCancelled();
      const into = heads.map(({ K, V }, m) => (
        add(scale(V, this.#weights.data[h * heads.length + m]), multiply(K, this.#offsets[h][m], { transposeB: true }), 2)
      ));
      return add(total, hadamard(multiply(first.V, first.L), multiply(besides(into), outOf)));
    }, this.#keySquares);
  }

  dispose(): void {
    this.engine.dispose(...this.#keys, ...this.#outOf);
  }
}
