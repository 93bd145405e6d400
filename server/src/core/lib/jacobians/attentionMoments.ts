/**
 * @file Mean and mean square of the Jacobian through attention with its skip connection, between features. Seen from the features
 * (method section 2.10), with M_h = C_pinv V_h O_h C and L_h = O_h C,
 *
 *   J_ts = G_ts + delta_ts D_t,   G_ts[j,i] = sum_h ( p_hts M_h[j,i] + k_hts,j (p_hts (v_hs - o_ht) L_h)_i )
 *   k_hts = c C_pinv K_h q_hts,   D_t = C_pinv skip C + sum_h c C_pinv Q_h B_ht L_h.
 *
 * No Jacobian of a pair of positions is formed: sum_ts J_ts^2 = sum_ts G_ts^2 + sum_t D_t (D_t + 2 G_tt), where the squares of G are sums over
 * pairs of heads (attentionMomentPairs.ts), so that one product per output position remains, that of D_t.
 *
 * An integrated Jacobian is a sum over heads and points alike: head h at point a counts as a head of its own with the output w_a O_h.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { add, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { AttentionSkip } from "../../network/attentionStructure";
import { besides, stacked } from "../../network/folding";
import { turnedOffsets } from "../closedForms/attention/attentionPairs";
import {
  firstAxesExchanged, forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, turnsOf, type HeadState, type Turns,
} from "../closedForms/attention/attentionState";
import { longestChunk } from "../closedForms/chunks";
import { times, toTensor } from "../closedForms/matrices";
import type { EdgesTask } from "../plans/sectionPlan";
import { MomentPairs, type MomentHead } from "./attentionMomentPairs";

/** Features whose D_t are formed together, at most, and numbers that they take: few enough to stay near the processor. */
const featuresTogether = 64;
const numbersTogether = 2 ** 22;

/** Both [r', r]; averaged over samples and output positions, summed over input positions. */
export async function attentionMoments(task: EdgesTask, structure: AttentionSkip): Promise<{ mean: Matrix; meanSquare: Matrix }> {
  const { engine } = task.section;
  const from = (a: Matrix): Matrix => multiply(task.features.CPinv, a);
  const seen = structure.heads.map(({ Q, K, V, O }) => (
    { Q: scale(from(Q), structure.scale), K: scale(from(K), structure.scale), V: from(V), L: times(O, task.nextC) }
  ));
  const heads = task.points.flatMap(({ weight }): MomentHead[] => seen.map((head) => ({ ...head, L: scale(head.L, weight) })));
  const skip = scale(times(from(structure.skip), task.nextC), task.points.reduce((sum, { weight }) => sum + weight, 0));
  const { weights, dispose } = headWeights(engine, structure.heads);
  const pairs = new MomentPairs(engine, structure, heads);
  const own = new OwnPositions(engine, heads, skip);
  const means = new MeanJacobian(engine, heads);
  const size = (positions: number, outputs: number): number => (
    heads.length * headStateSize(structure, positions, outputs)
    + Math.max(headStateTemporaries(structure, positions, outputs), own.sizePerFeature(outputs) * Math.min(skip.rows, 8))
    + pairs.size(positions, outputs)
  );
  const longest = (positions: number, outputs: number): number => Math.max(headStateMultiplications(structure, positions, outputs), pairs.multiplications(positions, outputs));
  let answers = 0;
  try {
    await task.activations.forEachBatch((batch) => forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, outputs) => {
      const turns = engine.tidy(() => turnsOf(engine, structure, x.shape[1], outputs));
      const states: HeadState[] = [];
      for (const { alpha } of task.points) {
        for (const head of weights) {
          task.checkCancelled();
          states.push(engine.tidy(() => headState(engine, structure, head, alpha === 1 ? x : engine.affine(x, alpha), outputs, turns)));
        }
      }
      await means.add(states, turns);
      await own.add(states, () => task.checkCancelled());
      await pairs.add(states, turns, () => task.checkCancelled());
      engine.dispose(...new Set([...states, ...(turns ? [turns.inputs, turns.outputs] : [])].flatMap((held) => Object.values(held) as Tensor[])));
      answers += x.shape[0] * outputs;
    }, longest), task.progress);
  } finally {
    dispose();
    pairs.dispose();
    own.dispose();
  }
  const mean = add(skip, means.assemble(answers));
  const square = add(own.squares, pairs.assemble(() => task.checkCancelled()));
  return {
    mean: transpose(mean),
    // A sum of squares; rounding may leave a vanishing one below zero.
    meanSquare: transpose(matrix(skip.rows, skip.cols, square.data.map((entry) => Math.max(0, entry / answers)))),
  };
}

/** Sums for the mean, which is linear in J. */
class MeanJacobian {
  /** Per head sum_t B_t [e, f] and sum_ts p_ts (v_s - o_t) q_ts^T [f, e]; the second is 0 where q does not depend on s. */
  readonly #covariances: Matrix[];
  readonly #offsets: Matrix[];

  constructor(private readonly engine: Engine, private readonly heads: readonly MomentHead[]) {
    this.#covariances = heads.map(({ Q, L }) => matrix(Q.cols, L.rows));
    this.#offsets = heads.map(({ K, L }) => matrix(L.rows, K.cols));
  }

  async add(states: readonly HeadState[], turns: Turns | null): Promise<void> {
    const { engine } = this;
    for (const [h, state] of states.entries()) {
      const [n, e] = state.queries.shape as [number, number];
      const sum = engine.tidy(() => engine.sum(engine.reshape(state.covariance, [e, n, state.mixed.shape[1]]), [1]));
      await engine.addTo(this.#covariances[h].data, sum);
      engine.dispose(sum);
      if (!turns) continue;
      const offsets = engine.tidy(() => turnedOffsets(engine, state, state.pattern, turns));
      await engine.addTo(this.#offsets[h].data, offsets);
      engine.dispose(offsets);
    }
  }

  /** Mean of J without the skip connection, [r, r']: the weights p_ts of an output position add up to 1. */
  assemble(answers: number): Matrix {
    const into = this.heads.map(({ Q, K, V }, h) => {
      const scores = add(multiply(Q, this.#covariances[h]), multiply(K, this.#offsets[h], { transposeB: true }));
      return add(V, scores, 1 / answers);
    });
    return multiply(besides(into), stacked(this.heads.map(({ L }) => L)));
  }
}

/** What an output position has from its own input position besides: sum_t D_t (D_t + 2 G_tt). */
class OwnPositions {
  /** [r, r'] */
  readonly squares: Matrix;
  /** c C_pinv Q_h and c C_pinv K_h [r, e] */
  readonly #queries: readonly Tensor[];
  readonly #keys: readonly Tensor[];
  /** L_h of all heads stacked, [H f, r'], and one by one */
  readonly #allOut: Tensor;
  readonly #outOf: readonly Tensor[];
  /** Row j of M_h for all heads, [r, H, r'] */
  readonly #values: Tensor;
  /** C_pinv skip C [r, 1, r'] */
  readonly #skip: Tensor;

  constructor(private readonly engine: Engine, heads: readonly MomentHead[], skip: Matrix) {
    const [r, next] = [skip.rows, skip.cols];
    this.squares = matrix(r, next);
    this.#queries = heads.map(({ Q }) => toTensor(engine, Q));
    this.#keys = heads.map(({ K }) => toTensor(engine, K));
    this.#allOut = toTensor(engine, stacked(heads.map(({ L }) => L)));
    this.#outOf = heads.map(({ L }) => toTensor(engine, L));
    this.#values = engine.tidy(() => engine.concat(heads.map(({ V, L }) => engine.tensor(multiply(V, L).data, [r, 1, next])), 1));
    this.#skip = engine.tensor(skip.data, [r, 1, next]);
  }

  /** Numbers that one feature takes per sample with T outputs. */
  sizePerFeature(outputs: number): number {
    const [through, next] = this.#allOut.shape as [number, number];
    return outputs * (2 * through + 5 * next);
  }

  async add(states: readonly HeadState[], checkCancelled: () => void): Promise<void> {
    const { engine } = this;
    const [n] = states[0].queries.shape;
    const [r, , next] = this.#skip.shape as [number, number, number];
    const most = Math.min(numbersTogether / this.sizePerFeature(n), longestChunk(engine) / (n * this.#allOut.size));
    const together = Math.max(1, Math.min(featuresTogether, Math.floor(most)));
    const joined = (parts: Tensor[], axis: number): Tensor => engine.concat(parts, axis);
    const { ownWeights, ownOffsets } = engine.tidy(() => ({
      ownWeights: joined(states.map(({ ownWeight }) => ownWeight), 1),
      ownOffsets: joined(states.map(({ ownWeight, ownOffset }, h) => (
        engine.reshape(engine.matMul(engine.mul(ownWeight, ownOffset), this.#outOf[h]), [n, 1, next])
      )), 1),
    }));
    for (let first = 0; first < r; first += together) {
      checkCancelled();
      const count = Math.min(together, r - first);
      const rows = (a: Tensor): Tensor => engine.slice(a, [first, ...a.shape.slice(1).map(() => 0)], [count, ...a.shape.slice(1)]);
      const sums = engine.tidy(() => {
        const covariances = states.map(({ covariance, mixed }, h) => (
          engine.reshape(engine.matMul(rows(this.#queries[h]), covariance), [count * n, mixed.shape[1]])
        ));
        const through = engine.reshape(engine.matMul(joined(covariances, 1), this.#allOut), [count, n, next]);
        const D = engine.add(through, rows(this.#skip));
        const byKey = joined(states.map(({ queries }, h) => (
          engine.reshape(engine.matMul(queries, rows(this.#keys[h]), { transposeB: true }), [n, count, 1])
        )), 2);
        const G = engine.add(engine.matMul(ownWeights, rows(this.#values)), firstAxesExchanged(engine, engine.matMul(byKey, ownOffsets)));
        return engine.sum(engine.mul(D, engine.add(D, engine.affine(G, 2))), [1]);
      });
      await engine.addTo(this.squares.data.subarray(first * next, (first + count) * next), sums);
      engine.dispose(sums);
    }
    engine.dispose(ownWeights, ownOffsets);
  }

  dispose(): void {
    this.engine.dispose(...this.#queries, ...this.#keys, this.#allOut, ...this.#outOf, this.#values, this.#skip);
  }
}
