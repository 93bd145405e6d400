/**
 * @file M' through attention with its skip connection, exact and without a backward pass (method section 2.10).
 *
 * The Jacobian is J_ts = [delta_ts skip + sum_h Z_hts O_h] C with
 *   Z_hts = p_hts V_h + c p_hts (K_h q_hts)(v_hs - o_ht)^T + delta_ts c Q_h B_ht,
 * so with U_h = [V_h K_h Q_h]:  N S M' = sum_{h,m} U_h S_hm U_m^T + X + X^T + (number of outputs) skip P skip^T, where the S_hm are small.
 *
 * An integrated Jacobian is a sum over heads and points alike: head h at point a counts as a head of its own with the output w_a O_h.
 */

import type { Tensor } from "../../../../engine/engine";
import { add, scale } from "../../../linalg/elementary";
import type { Matrix } from "../../../linalg/matrix";
import type { AttentionSkip } from "../../../network/attentionStructure";
import type { JacobianGramTask } from "../../plans/sectionPlan";
import { outputMetric, sandwich, toTensor } from "../matrices";
import { covariancesByOwnWeights, crossTerms, pairTerms, pairTermsMultiplications, pairTermsSize } from "./attentionPairs";
import { forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, turnsOf } from "./attentionState";
import { AttentionSums } from "./attentionSums";

/** M' [d, d], for every integration rule. */
export async function attentionGram(task: JacobianGramTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { heads, skip, scale: c } = structure;
  const metric = outputMetric(task.nextC, skip.cols);
  const weightSum = task.points.reduce((sum, { weight }) => sum + weight, 0);
  /** Every head at every point. */
  const places = task.points.flatMap(({ weight }) => heads.map((_, head) => ({ head, weight })));
  const metrics = heads.map(({ O: left }) => heads.map(({ O: right }) => toTensor(engine, sandwich(left, metric, right))));
  const { weights, dispose } = headWeights(engine, heads);
  const sums = new AttentionSums(heads, [skip]);
  let inputs = 0;
  let outputs = 0;
  const size = (positions: number, count: number): number => (
    places.length * headStateSize(structure, positions, count)
    + Math.max(headStateTemporaries(structure, positions, count), pairTermsSize(structure, positions, count))
  );
  const longest = (positions: number, count: number): number => (
    Math.max(headStateMultiplications(structure, positions, count), pairTermsMultiplications(structure, positions, count))
  );
  try {
    await task.activations.forEachBatch(async (batch) => {
      await forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, count) => {
        const turns = engine.tidy(() => turnsOf(engine, structure, x.shape[1], count));
        const states = task.points.flatMap(({ alpha }) => weights.map((head) => {
          task.checkCancelled();
          return engine.tidy(() => headState(engine, structure, head, alpha === 1 ? x : engine.affine(x, alpha), count, turns));
        }));
        const byOwn = states.map((state) => covariancesByOwnWeights(engine, state, states));
        /** sum_t p_mtt B_ht [e, f] for h = `of`, m = `weighted` */
        const ownCovariance = (of: number, weighted: number): Tensor => {
          const [, e, f] = byOwn[of].shape as [number, number, number];
          return engine.reshape(engine.slice(byOwn[of], [weighted, 0, 0], [1, e, f]), [e, f]);
        };
        for (const [left, state] of states.entries()) {
          const { head, weight } = places[left];
          await sums.addCross(head, 0, weight * weightSum, engine, crossTerms(engine, state, c));
          for (let right = left; right < states.length; right += 1) {
            task.checkCancelled();
            const other = places[right];
            const block = engine.tidy(() => pairTerms(
              engine, state, states[right], { ofFirst: ownCovariance(left, right), ofSecond: ownCovariance(right, left) }, metrics[head][other.head], c, turns,
            ));
            await sums.addPair(head, other.head, left === right, weight * other.weight, engine, block);
          }
        }
        engine.dispose(...byOwn, ...new Set([...states.flatMap((state) => Object.values(state) as Tensor[]), ...(turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[])]));
        outputs += x.shape[0] * count;
      }, longest);
      inputs += batch.shape[0] * batch.shape[1];
    }, task.progress);
  } finally {
    dispose();
    engine.dispose(...metrics.flat());
  }
  const total = add(sums.assemble(metric), sandwich(skip, metric, skip), outputs * weightSum ** 2);
  return scale(total, 1 / inputs);
}
