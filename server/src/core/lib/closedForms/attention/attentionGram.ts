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
import { outputMetric, sandwich } from "../matrices";
import { crossTerms, pairTermsMultiplications, pairTermsSize } from "./attentionPairs";
import { forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, turnsOf } from "./attentionState";
import { AttentionSums } from "./attentionSums";
import { headGroup, headsTogether, tensorsOf } from "./headGroups";
import { addHeadPairs, headMetrics, type HeadPlace, type PlacedGroup } from "./headPairs";

/** M' [d, d], for every integration rule. */
export async function attentionGram(task: JacobianGramTask, structure: AttentionSkip): Promise<Matrix> {
  const { engine } = task.section;
  const { heads, skip, scale: c } = structure;
  const metric = outputMetric(task.nextC, skip.cols);
  const weightSum = task.points.reduce((sum, { weight }) => sum + weight, 0);
  /** Every head at every point. */
  const places = task.points.flatMap(({ alpha, weight }) => heads.map((_, head): HeadPlace & { alpha: number } => ({ head, weight, alpha })));
  const metrics = headMetrics(engine, heads, metric, places);
  const together = headsTogether(structure);
  const { weights, dispose } = headWeights(engine, heads);
  const sums = new AttentionSums(heads, [skip]);
  let inputs = 0;
  let outputs = 0;
  const size = (positions: number, count: number): number => (
    places.length * headStateSize(structure, positions, count)
    + Math.max(headStateTemporaries(structure, positions, count) + together * headStateSize(structure, positions, count), pairTermsSize(structure, positions, count))
  );
  const longest = (positions: number, count: number): number => (
    Math.max(headStateMultiplications(structure, positions, count), pairTermsMultiplications(structure, positions, count))
  );
  try {
    await task.activations.forEachBatch(async (batch) => {
      await forEachBlock(engine, structure, batch, size, task.memoryBudget, async (x, count) => {
        const turns = engine.tidy(() => turnsOf(engine, structure, x.shape[1], count));
        const groups: PlacedGroup[] = [];
        for (let first = 0; first < places.length; first += together) {
          const some = places.slice(first, first + together);
          const states = some.map(({ head, alpha }) => {
            task.checkCancelled();
            return engine.tidy(() => headState(engine, structure, weights[head], alpha === 1 ? x : engine.affine(x, alpha), count, turns));
          });
          for (const [place, { head, weight }] of some.entries()) await sums.addCross(head, 0, weight * weightSum, engine, crossTerms(engine, states[place], c));
          groups.push({ plain: headGroup(engine, states), scaled: null, point: 0 });
          engine.dispose(...new Set(states.flatMap((state) => Object.values(state) as Tensor[])));
        }
        await addHeadPairs(engine, sums, groups, places, metrics, c, turns, () => task.checkCancelled());
        engine.dispose(...new Set(groups.flatMap(({ plain }) => tensorsOf(plain))), ...(turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]));
        outputs += x.shape[0] * count;
      }, longest);
      inputs += batch.shape[0] * batch.shape[1];
    }, task.progress);
  } finally {
    dispose();
    engine.dispose(...metrics);
  }
  const total = add(sums.assemble(metric), sandwich(skip, metric, skip), outputs * weightSum ** 2);
  return scale(total, 1 / inputs);
}
