/**
 * @file Squared edges through attention with its skip connection, exact and without a backward pass (method section 3.6).
 *
 * Per output position t, with a_j = row j of C_pinv and L_h = O_h C:
 *   A_t[j,i] = f_tj a_j skip C[:,i] + sum_h ( phi_tj a_j V_h + c (a_j K_h q_t) psi_tj + c f_tj a_j Q_h B_t ) L_h[:,i]
 *   phi_tj = sum_s p_ts f_sj,   psi_tj = sum_s p_ts f_sj (v_s - o_t)
 * where queries, keys, values and patterns come from the projected input f C_pinv. With rotary positions q_t depends on s inside psi.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { accumulate, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { AttentionSkip } from "../../network/attentionStructure";
import { besides, stacked } from "../../network/folding";
import { rotate } from "../../network/rotary";
import type { EdgesTask } from "../plans/sectionPlan";
import { covarianceWith, forEachBlock, headState, headStateSize, headWeights, turnsOf, type HeadState, type HeadWeights, type Turns } from "./attentionState";
import { times, toTensor } from "./matrices";

interface AttributionWeights {
  /** C_pinv Q, C_pinv K, C_pinv V per head. */
  readonly heads: readonly HeadWeights[];
  /** C_pinv Q of all heads side by side, [r, heads e]. */
  readonly queries: Tensor;
  /** c O_h C per head [f, r']. */
  readonly outOf: readonly Tensor[];
  /** The same, stacked: [heads f, r']. */
  readonly allOutOf: Tensor;
  /** Per input feature j: rows j of C_pinv V_h O_h C of all heads, then of C_pinv skip C, [r, heads + 1, r']. */
  readonly mixing: Tensor;
}

/** E [r', r]; for any integration rule, because attributions are linear in the Jacobian. */
export async function attentionEdges(task: EdgesTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { C, CPinv } = task.features;
  const folded = structure.heads.map(({ Q, K, V, O }) => (
    { Q: multiply(CPinv, Q), K: multiply(CPinv, K), V: multiply(CPinv, V), O: times(O, task.nextC) }
  ));
  const bypass = times(multiply(CPinv, structure.skip), task.nextC);
  const { weights: heads, dispose } = headWeights(engine, folded);
  const outOf = folded.map(({ O }) => scale(O, structure.scale));
  const weights: AttributionWeights = {
    heads,
    queries: toTensor(engine, besides(folded.map(({ Q }) => Q))),
    outOf: outOf.map((O) => toTensor(engine, O)),
    allOutOf: toTensor(engine, stacked(outOf)),
    mixing: engine.tidy(() => rowsTogether(engine, [...folded.map(({ V, O }) => multiply(V, O)), bypass])),
  };
  const toFeatures = toTensor(engine, C);
  const sums = matrix(bypass.rows, bypass.cols);
  let inputs = 0;
  const size = (positions: number, outputs: number): number => valuesPerSample(structure, positions, outputs, bypass);
  await task.activations.forEachBatch(async (batch) => {
    await forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, outputs) => {
      task.checkCancelled();
      const squares = engine.tidy(() => {
        const z = engine.matMul(x, toFeatures);
        const turns = turnsOf(engine, structure, x.shape[1], outputs);
        const terms = task.points.map(({ alpha, weight }) => {
          const attributions = attributionsAt(engine, structure, weights, z, { alpha, outputs, turns });
          return weight === 1 ? attributions : engine.affine(attributions, weight);
        });
        return engine.sumOfSquares(terms.reduce((total, term) => engine.add(total, term)), [1]);
      });
      accumulate(sums, await engine.read(squares));
      engine.dispose(squares);
    });
    inputs += batch.shape[0] * batch.shape[1];
  }, task.progress);
  dispose();
  engine.dispose(...weights.outOf, weights.queries, weights.allOutOf, weights.mixing, toFeatures);
  return transpose(scale(sums, 1 / inputs));
}

/** A with the Jacobian at alpha times the features z [B, S, r]: [r, n, r'] over the n output positions of all samples. */
function attributionsAt(
  engine: Engine, structure: AttentionSkip, weights: AttributionWeights, z: Tensor,
  { alpha, outputs, turns }: { alpha: number; outputs: number; turns: Turns | null },
): Tensor {
  const [samples, positions, r] = z.shape as [number, number, number];
  const n = samples * outputs;
  const atOutputs = outputs === positions ? z : engine.slice(z, [0, positions - outputs, 0], [samples, outputs, r]);
  const byFeature = (a: Tensor): Tensor => engine.reshape(engine.transpose(engine.reshape(a, [n, r]), [1, 0]), [r, n, 1]);
  const own = byFeature(atOutputs);
  const point = alpha === 1 ? z : engine.affine(z, alpha);
  const heads = weights.heads.map((head, h) => engine.tidy(() => {
    const state = headState(engine, structure, head, point, outputs, turns);
    const [e, f, next] = [state.queries.shape[1], state.mixed.shape[1], weights.outOf[h].shape[1]];
    const byKey = (): Tensor => engine.reshape(engine.matMul(state.queries, head.K, { transposeB: true }), [n, r, 1]);
    const perQuery = engine.matMul(engine.reshape(state.covariance, [e * n, f]), weights.outOf[h]);
    return {
      /** (a_j K q_t) psi_tj [n, r, f] */
      keys: turns ? throughTurnedKeys(engine, state, head, z, turns) : engine.mul(covarianceWith(engine, state, z), byKey()),
      /** B_t c L [e, n r'] */
      queries: engine.reshape(perQuery, [e, n * next]),
      /** phi_tj [r, n, 1] */
      mixed: byFeature(engine.matMul(state.pattern, z)),
    };
  }));
  const next = weights.allOutOf.shape[1];
  const throughKeys = engine.tidy(() => {
    const rows = engine.concat(heads.map(({ keys }) => keys), 2);
    const products = engine.matMul(engine.reshape(rows, [n * r, rows.shape[2]]), weights.allOutOf);
    return engine.transpose(engine.reshape(products, [n, r, next]), [1, 0, 2]);
  });
  const throughQueries = engine.tidy(() => {
    const products = engine.matMul(weights.queries, engine.concat(heads.map(({ queries }) => queries), 0));
    return engine.mul(own, engine.reshape(products, [r, n, next]));
  });
  const throughValues = engine.matMul(engine.concat([...heads.map(({ mixed }) => mixed), own], 2), weights.mixing);
  return engine.add(engine.add(throughValues, throughKeys), throughQueries);
}

/** k matrices [r, r'] as [r, k, r']. */
function rowsTogether(engine: Engine, matrices: readonly Matrix[]): Tensor {
  return engine.concat(matrices.map((a) => engine.tensor(a.data, [a.rows, 1, a.cols])), 1);
}

/** sum_s p_ts f_sj (a_j K q_ts) (v_s - o_t) [n, r, f], q_ts the query of output t turned back to position s; K holds the rows a_j K. */
function throughTurnedKeys(engine: Engine, { turned, pattern, values, mixed }: HeadState, { K }: HeadWeights, z: Tensor, { inputs }: Turns): Tensor {
  const [samples, positions, r] = z.shape as [number, number, number];
  const outputs = pattern.shape[1];
  const [n, f] = mixed.shape as [number, number];
  const e = K.shape[1];
  const table = (x: Tensor): Tensor => engine.reshape(x, [positions, 1, e]);
  const rotations = { cosines: table(inputs.cosines), sines: table(inputs.sines), swap: inputs.swap };
  const turnedKeys = engine.transpose(rotate(engine, rotations, engine.reshape(K, [1, r, e])), [1, 0, 2]);
  const byKey = engine.matMul(engine.reshape(turned, [samples, outputs, e]), engine.reshape(turnedKeys, [r * positions, e]), { transposeB: true });
  const features = engine.reshape(engine.transpose(z, [0, 2, 1]), [samples, 1, r, positions]);
  const weights = engine.mul(
    engine.mul(engine.reshape(byKey, [samples, outputs, r, positions]), features),
    engine.reshape(pattern, [samples, outputs, 1, positions]),
  );
  const along = engine.reshape(engine.matMul(engine.reshape(weights, [samples, outputs * r, positions]), values), [n, r, f]);
  const total = engine.reshape(engine.sum(weights, [3]), [n, r, 1]);
  return engine.sub(along, engine.mul(total, engine.reshape(mixed, [n, 1, f])));
}

/** Numbers that the temporaries of one sample take; `edges` [r, r']. */
function valuesPerSample(structure: AttentionSkip, positions: number, outputs: number, edges: Matrix): number {
  const f = structure.heads[0].V.cols;
  const outerProducts = outputs === 1 ? 0 : positions * f;
  const turnedKeys = structure.rotary ? 3 * outputs * positions : 0;
  const perFeature = outerProducts + turnedKeys + outputs * (2 * structure.heads.length * f + 8 * edges.cols);
  return headStateSize(structure, positions, outputs) + edges.rows * perFeature;
}
