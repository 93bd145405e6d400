/**
 * @file Squared edges through attention with its skip connection, exact and without a backward pass (method section 3.6).
 *
 * Per output position t, with a_j = row j of C_pinv:
 *   A_t[j,i] = f_tj (C_pinv skip C)[j,i] + sum_h Y_ht[j,:] (O_h C)[:,i]
 *   Y_ht[j,:] = phi_tj a_j V_h + c (a_j K_h q_t) psi_tj + c f_tj (a_j Q_h B_t)
 *   phi_tj = sum_s p_ts f_sj,   psi_tj = sum_s p_ts f_sj (v_s - o_t)
 * where queries, keys, values and patterns come from the projected input f C_pinv.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { EdgesTask } from "../sectionPlan";
import { headState, headStateSize, headWeights, type AttentionSkip, type HeadState, type HeadWeights } from "./attentionState";
import { forEachChunk } from "./chunks";
import { times, toTensor } from "./matrices";
import { SquareSums } from "./squareSums";

/** E [r', r]; any integration rule, because attributions are linear in the Jacobian. */
export async function attentionEdges(task: EdgesTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { C, CPinv } = task.features;
  const bypass = times(multiply(CPinv, structure.skip), task.nextC);
  const { weights, dispose } = headWeights(engine, structure.heads.map(({ Q, K, V }) => (
    { Q: multiply(CPinv, Q), K: multiply(CPinv, K), V: multiply(CPinv, V) }
  )));
  const outOf = structure.heads.map(({ O }) => toTensor(engine, times(O, task.nextC)));
  const toFeatures = toTensor(engine, C);
  const bypassTensor = toTensor(engine, bypass);
  const sums = new SquareSums(bypass.cols, bypass.rows, "in,out");
  const valueWidth = structure.heads[0].V.cols;
  let inputs = 0;
  await task.activations.forEachBatch((batch) => {
    const positions = batch.shape[1];
    const outputs = structure.lastPositionOnly ? 1 : positions;
    const attributions = bypass.rows * (2 * positions * valueWidth + outputs * (5 * valueWidth + 3 * bypass.cols));
    return forEachChunk(engine, batch, headStateSize(structure, positions) + attributions, task.memoryBudget, async (x) => {
      task.checkCancelled();
      const attribution = engine.tidy(() => {
        const z = engine.matMul(x, toFeatures);
        const direct = bypassed(engine, lastPositions(engine, z, outputs), bypassTensor);
        return task.points.flatMap(({ alpha, weight }) => {
          const point = alpha === 1 ? z : engine.affine(z, alpha);
          return weights.map((head, h) => {
            const term = engine.tidy(() => throughHead(engine, structure, head, outOf[h], z, point));
            return weight === 1 ? term : engine.affine(term, weight);
          });
        }).reduce((total, term) => engine.add(total, term), direct);
      });
      sums.add(await engine.read(attribution));
      engine.dispose(attribution);
      inputs += x.shape[0] * x.shape[1];
    });
  }, task.progress);
  dispose();
  engine.dispose(...outOf, toFeatures, bypassTensor);
  return sums.mean(inputs);
}

/** f_tj (C_pinv skip C)[j,i], [n, r, r']. The weights of an integration rule add up to 1, so this term needs no point. */
function bypassed(engine: Engine, zt: Tensor, bypass: Tensor): Tensor {
  const [n, r] = zt.shape as [number, number];
  return engine.mul(engine.reshape(zt, [n, r, 1]), bypass);
}

/** Features [B, S, r] at the output positions, [n, r]. */
function lastPositions(engine: Engine, z: Tensor, outputs: number): Tensor {
  const [samples, positions, r] = z.shape as [number, number, number];
  const kept = outputs === positions ? z : engine.slice(z, [0, positions - outputs, 0], [samples, outputs, r]);
  return engine.reshape(kept, [samples * outputs, r]);
}

/** Y_h (O_h C) of one head, [n, r, r']: features z [B, S, r], Jacobian taken at `point`. */
function throughHead(engine: Engine, structure: AttentionSkip, head: HeadWeights, outOf: Tensor, z: Tensor, point: Tensor): Tensor {
  const [samples, positions, r] = z.shape as [number, number, number];
  const state: HeadState = headState(engine, structure, head, point);
  const [n, f] = state.mixed.shape as [number, number];
  const zt = lastPositions(engine, z, n / samples);
  const column = (a: Tensor): Tensor => engine.reshape(a, [n, r, 1]);

  const phi = engine.reshape(engine.matMul(state.pattern, z), [n, r]);
  const psi = engine.tidy(() => {
    const outer = engine.mul(engine.reshape(z, [samples, positions, r, 1]), engine.reshape(state.values, [samples, positions, 1, f]));
    const mean = engine.matMul(state.pattern, engine.reshape(outer, [samples, positions, r * f]));
    return engine.sub(engine.reshape(mean, [n, r, f]), engine.mul(column(phi), engine.reshape(state.mixed, [n, 1, f])));
  });
  const byKeys = engine.mul(column(engine.matMul(state.queries, head.K, { transposeB: true })), psi);
  const byQueries = engine.tidy(() => {
    const rows = engine.reshape(engine.matMul(head.Q, state.covariance), [r, n, f]);
    return engine.mul(column(zt), engine.transpose(rows, [1, 0, 2]));
  });
  const byValues = engine.mul(column(phi), engine.reshape(head.V, [1, r, f]));
  const Y = engine.add(byValues, engine.affine(engine.add(byKeys, byQueries), structure.scale));
  return engine.reshape(engine.matMul(engine.reshape(Y, [n * r, f]), outOf), [n, r, outOf.shape[1]]);
}
