/**
 * @file Squared edges through attention with its skip connection, exact and without a backward pass (method section 3.6).
 *
 * Per output position t, with a_j = row j of C_pinv and L_h = O_h C:
 *   A_t[j,i] = f_tj a_j skip C[:,i] + sum_h ( phi_tj a_j V_h + c (a_j K_h q_t) psi_tj + c f_tj a_j Q_h B_t ) L_h[:,i]
 *   phi_tj = sum_s p_ts f_sj,   psi_tj = sum_s p_ts f_sj (v_s - o_t)
 * where queries, keys, values and patterns come from the projected input f C_pinv.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import { accumulate, scale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { EdgesTask } from "../sectionPlan";
import { covarianceWith, headState, headStateSize, headWeights, type AttentionSkip, type HeadState, type HeadWeights } from "./attentionState";
import { forEachChunk } from "./chunks";
import { times, toTensor } from "./matrices";

interface AttributionWeights {
  /** C_pinv Q, C_pinv K, C_pinv V per head. */
  readonly heads: readonly HeadWeights[];
  /** c O_h C per head [f, r']. */
  readonly outOf: readonly Tensor[];
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
  const weights: AttributionWeights = {
    heads,
    outOf: folded.map(({ O }) => toTensor(engine, scale(O, structure.scale))),
    mixing: engine.tidy(() => rowsTogether(engine, [...folded.map(({ V, O }) => multiply(V, O)), bypass])),
  };
  const toFeatures = toTensor(engine, C);
  const sums = matrix(bypass.rows, bypass.cols);
  let inputs = 0;
  await task.activations.forEachBatch((batch) => forEachChunk(engine, batch, chunkSize(structure, batch.shape[1], bypass), task.memoryBudget, async (x) => {
    task.checkCancelled();
    const squares = engine.tidy(() => {
      const z = engine.matMul(x, toFeatures);
      const terms = task.points.map(({ alpha, weight }) => {
        const attributions = attributionsAt(engine, structure, weights, z, alpha);
        return weight === 1 ? attributions : engine.affine(attributions, weight);
      });
      return engine.sum(engine.square(terms.reduce((total, term) => engine.add(total, term))), [1]);
    });
    accumulate(sums, await engine.read(squares));
    engine.dispose(squares);
    inputs += x.shape[0] * x.shape[1];
  }), task.progress);
  dispose();
  engine.dispose(...weights.outOf, weights.mixing, toFeatures);
  return transpose(scale(sums, 1 / inputs));
}

/** A with the Jacobian at alpha times the features z [B, S, r]: [r, n, r'] over the n output positions of all samples. */
function attributionsAt(engine: Engine, structure: AttentionSkip, weights: AttributionWeights, z: Tensor, alpha: number): Tensor {
  const [samples, positions, r] = z.shape as [number, number, number];
  const outputs = structure.lastPositionOnly ? 1 : positions;
  const n = samples * outputs;
  const atOutputs = outputs === positions ? z : engine.slice(z, [0, positions - outputs, 0], [samples, outputs, r]);
  const byFeature = (a: Tensor): Tensor => engine.reshape(engine.transpose(engine.reshape(a, [n, r]), [1, 0]), [r, n, 1]);
  const own = byFeature(atOutputs);
  const point = alpha === 1 ? z : engine.affine(z, alpha);
  const throughHeads = weights.heads.map((head, h) => engine.tidy(() => {
    const state = headState(engine, structure, head, point);
    const bySource = engine.add(
      engine.mul(byFeature(engine.matMul(state.queries, head.K, { transposeB: true })), throughKeys(engine, state, weights.outOf[h], z)),
      engine.mul(own, throughQueries(engine, state, head, weights.outOf[h])),
    );
    return { bySource, mixed: byFeature(engine.matMul(state.pattern, z)) };
  }));
  const mixed = engine.matMul(engine.concat([...throughHeads.map(({ mixed: phi }) => phi), own], 2), weights.mixing);
  return throughHeads.reduce((total, { bySource }) => engine.add(total, bySource), mixed);
}

/** psi_tj c L of one head, [r, n, r']. */
function throughKeys(engine: Engine, state: HeadState, outOf: Tensor, z: Tensor): Tensor {
  const [f, next] = outOf.shape as [number, number];
  const [n] = state.queries.shape;
  const r = z.shape[2];
  return engine.tidy(() => {
    const psi = engine.reshape(covarianceWith(engine, state, z), [n * r, f]);
    return engine.transpose(engine.reshape(engine.matMul(psi, outOf), [n, r, next]), [1, 0, 2]);
  });
}

/** a_j Q B_t c L of one head, [r, n, r']. */
function throughQueries(engine: Engine, state: HeadState, head: HeadWeights, outOf: Tensor): Tensor {
  const [f, next] = outOf.shape as [number, number];
  const [n, e] = state.queries.shape as [number, number];
  return engine.tidy(() => {
    const perQuery = engine.matMul(engine.reshape(state.covariance, [e * n, f]), outOf);
    return engine.reshape(engine.matMul(head.Q, engine.reshape(perQuery, [e, n * next])), [head.Q.shape[0], n, next]);
  });
}

/** k matrices [r, r'] as [r, k, r']. */
function rowsTogether(engine: Engine, matrices: readonly Matrix[]): Tensor {
  return engine.concat(matrices.map((a) => engine.tensor(a.data, [a.rows, 1, a.cols])), 1);
}

/** Numbers that the temporaries of one sample take; `edges` [r, r']. */
function chunkSize(structure: AttentionSkip, positions: number, edges: Matrix): number {
  const outputs = structure.lastPositionOnly ? 1 : positions;
  const f = structure.heads[0].V.cols;
  const outerProducts = outputs === 1 ? 0 : positions * f;
  const perFeature = outerProducts + outputs * (2 * f + (structure.heads.length + 6) * edges.cols);
  return headStateSize(structure, positions) + edges.rows * perFeature;
}
