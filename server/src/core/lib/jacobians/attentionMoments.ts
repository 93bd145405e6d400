/**
 * @file Mean and mean square of the Jacobian through attention with its skip connection, between features. Seen from the features
 * (method section 2.10), with L_h = c O_h C,
 *
 *   J_ts[j,i] = sum_h ( p_hts (C_pinv V_h O_h C)_ji + (C_pinv K_h q_hts)_j (p_hts (v_hs - o_ht) L_h)_i ) + delta_ts D_t,ji
 *   D_t = C_pinv skip C + sum_h C_pinv Q_h B_ht L_h:
 *
 * one row per head and pair of positions in two products, instead of a backward pass for every output feature and position.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { accumulate, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { AttentionSkip } from "../../network/attentionStructure";
import { besides } from "../../network/folding";
import { rotate } from "../../network/rotary";
import { forEachBlock, headState, headStateSize, headStateTemporaries, headWeights, turnsOf, type HeadState, type HeadWeights, type Turns } from "../closedForms/attentionState";
import { times, toTensor } from "../closedForms/matrices";
import type { EdgesTask } from "../plans/sectionPlan";

interface FeatureWeights {
  readonly heads: readonly HeadWeights[];
  /** C_pinv K_h [r, e] */
  readonly keys: readonly Tensor[];
  /** C_pinv Q_h of all heads side by side [r, H e] */
  readonly queries: Tensor;
  /** L_h [f, r'] */
  readonly outOf: readonly Tensor[];
  /** Row j of C_pinv V_h O_h C for all heads, [r, H, r'] */
  readonly values: Tensor;
  /** C_pinv skip C [r, 1, r'] */
  readonly skip: Tensor;
}

/** Both [r', r]; averaged over samples and output positions, summed over input positions. */
export async function attentionMoments(task: EdgesTask, structure: AttentionSkip): Promise<{ mean: Matrix; meanSquare: Matrix }> {
  const { engine } = task.section;
  const from = (a: Matrix): Matrix => multiply(task.features.CPinv, a);
  const skip = times(from(structure.skip), task.nextC);
  const [r, next] = [skip.rows, skip.cols];
  const outOf = structure.heads.map(({ O }) => times(O, task.nextC));
  const { weights: heads, dispose } = headWeights(engine, structure.heads);
  const weights: FeatureWeights = {
    heads,
    keys: structure.heads.map(({ K }) => toTensor(engine, from(K))),
    queries: toTensor(engine, besides(structure.heads.map(({ Q }) => from(Q)))),
    outOf: outOf.map((O) => toTensor(engine, scale(O, structure.scale))),
    values: engine.tidy(() => engine.concat(structure.heads.map(({ V }, h) => engine.tensor(multiply(from(V), outOf[h]).data, [r, 1, next])), 1)),
    skip: engine.tensor(skip.data, [r, 1, next]),
  };
  const mean = matrix(r, next);
  const square = matrix(r, next);
  let answers = 0;
  const size = (positions: number, outputs: number): number => (
    structure.heads.length * headStateSize(structure, positions, outputs) + headStateTemporaries(structure, positions, outputs) + 3 * outputs * (positions + 3) * r * next
  );
  await task.activations.forEachBatch((batch) => forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, outputs) => {
    task.checkCancelled();
    const [sum, squares] = engine.tidy(() => {
      const sums = task.points.map(({ alpha, weight }) => {
        const at = jacobiansAt(engine, structure, weights, alpha === 1 ? x : engine.affine(x, alpha), outputs);
        return weight === 1 ? at : { all: engine.affine(at.all, weight), own: engine.affine(at.own, weight), diagonal: engine.affine(at.diagonal, weight) };
      }).reduce((total, at) => (
        { all: engine.add(total.all, at.all), own: engine.add(total.own, at.own), diagonal: engine.add(total.diagonal, at.diagonal) }
      ));
      // (J + D)^2 - J^2 = D (D + 2 J) where t = s
      const crossed = engine.mul(sums.own, engine.add(sums.own, engine.affine(sums.diagonal, 2)));
      return [
        engine.add(engine.sum(sums.all, [1]), engine.sum(sums.own, [1])),
        engine.add(engine.sumOfSquares(sums.all, [1]), engine.sum(crossed, [1])),
      ] as const;
    });
    accumulate(mean, await engine.read(sum));
    accumulate(square, await engine.read(squares));
    engine.dispose(sum, squares);
    answers += x.shape[0] * outputs;
  }), task.progress);
  dispose();
  engine.dispose(...weights.keys, weights.queries, ...weights.outOf, weights.values, weights.skip);
  return {
    mean: transpose(scale(mean, 1 / answers)),
    // A sum of squares; rounding may leave a vanishing one below zero.
    meanSquare: transpose(matrix(r, next, square.data.map((entry) => Math.max(0, entry / answers)))),
  };
}

/** J without D [r, n S, r'], its part where t = s [r, n, r'], and D [r, n, r']. */
function jacobiansAt(engine: Engine, structure: AttentionSkip, weights: FeatureWeights, x: Tensor, outputs: number): { all: Tensor; diagonal: Tensor; own: Tensor } {
  const [samples, positions] = x.shape as [number, number, number];
  const n = samples * outputs;
  const [r, , next] = weights.skip.shape as [number, number, number];
  const turns = turnsOf(engine, structure, positions, outputs);
  const heads = weights.heads.map((head, h) => engine.tidy(() => {
    const state = headState(engine, structure, head, x, outputs, turns);
    const L = weights.outOf[h];
    const [e, f] = [state.queries.shape[1], state.mixed.shape[1]];
    const byOwnKey = engine.reshape(engine.matMul(state.queries, weights.keys[h], { transposeB: true }), [n, r, 1]);
    const valuesOut = engine.reshape(engine.matMul(state.values, L), [samples, 1, positions, next]);
    const mixedOut = engine.reshape(engine.matMul(state.mixed, L), [samples, outputs, 1, next]);
    const pattern = engine.reshape(state.pattern, [samples, outputs, positions, 1]);
    return {
      pattern: engine.reshape(state.pattern, [n * positions, 1]),
      ownWeight: state.ownWeight,
      /** C_pinv K q_ts: [n, r, 1], or [n S, r, 1] where it depends on s */
      byKey: turns ? byTurnedKeys(engine, state, weights.keys[h], turns) : byOwnKey,
      byOwnKey,
      offsets: engine.reshape(engine.mul(pattern, engine.sub(valuesOut, mixedOut)), turns ? [n * positions, 1, next] : [n, 1, positions * next]),
      ownOffsets: engine.reshape(engine.mul(engine.matMul(state.ownOffset, L), state.ownWeight), [n, 1, next]),
      /** B_t L [e, n r'] */
      queries: engine.reshape(engine.matMul(engine.reshape(state.covariance, [e * n, f]), L), [e, n * next]),
    };
  }));
  const joined = (name: Exclude<keyof (typeof heads)[number], "queries">, axis: number): Tensor => engine.concat(heads.map((head) => head[name]), axis);
  /** [batch, r, H] x [batch, H, k] -> [r, batch k / r', r'] */
  const throughKeys = (left: Tensor, right: Tensor): Tensor => {
    const product = engine.matMul(left, right);
    return engine.reshape(engine.transpose(product, [1, 0, 2]), [r, product.size / (r * next), next]);
  };
  const throughValues = (pattern: Tensor): Tensor => engine.matMul(pattern, weights.values);
  const throughQueries = engine.matMul(weights.queries, engine.concat(heads.map(({ queries }) => queries), 0));
  return {
    all: engine.add(throughValues(joined("pattern", 1)), throughKeys(joined("byKey", 2), joined("offsets", 1))),
    diagonal: engine.add(throughValues(joined("ownWeight", 1)), throughKeys(joined("byOwnKey", 2), joined("ownOffsets", 1))),
    own: engine.add(engine.reshape(throughQueries, [r, n, next]), weights.skip),
  };
}

/** C_pinv K q_ts for every pair of positions, [n S, r, 1]. @param K C_pinv K [r, e] */
function byTurnedKeys(engine: Engine, { turned, pattern }: HeadState, K: Tensor, { inputs }: Turns): Tensor {
  const [samples, outputs, positions] = pattern.shape as [number, number, number];
  const [r, e] = K.shape as [number, number];
  const table = (x: Tensor): Tensor => engine.reshape(x, [positions, 1, e]);
  const turnedKeys = rotate(engine, { cosines: table(inputs.cosines), sines: table(inputs.sines), swap: inputs.swap }, engine.reshape(K, [1, r, e]));
  const products = engine.matMul(engine.reshape(turned, [samples, outputs, e]), engine.reshape(turnedKeys, [positions * r, e]), { transposeB: true });
  return engine.reshape(products, [samples * outputs * positions, r, 1]);
}
