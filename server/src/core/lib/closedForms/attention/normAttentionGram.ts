/**
 * @file M' through attention behind a norm (method section 2.10). With N_s = A + rho_s E + (M l_s) g_s (normedInput.ts) and the Jacobian Z_ts C of the
 * attention with its skip connection,
 *
 *   J_ts = (A + rho_s E) Z_ts C + (M l_s) R_ts,    R_ts = g_s Z_ts C    [r'].
 *
 * The first term is attention with twice the heads, seen through A and E, those of E scaled by rho; what both share is computed once
 * (headPairs.ts). R needs one row per pair of positions and head: its squares belong to l l^T, its products with the first term to l and what each head brings.
 */

import type { Tensor } from "../../../../engine/engine";
import { add, scale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { NormAttention } from "../../../network/sectionStructure";
import type { JacobianGramTask } from "../../plans/sectionPlan";
import { outputMetric, sandwich, times } from "../matrices";
import { crossTerms, pairTermsMultiplications, pairTermsSize } from "./attentionPairs";
import { forEachBlock, headState, headStateMultiplications, headStateSize, headStateTemporaries, headWeights, turnsOf } from "./attentionState";
import { AttentionSums } from "./attentionSums";
import { headGroup, headsTogether, scaledGroup, tensorsOf } from "./headGroups";
import { addHeadPairs, headMetrics, type HeadPlace, type PlacedGroup } from "./headPairs";
import { NormRows } from "./normRows";
import { NormedInput } from "./normedInput";

/** M' [d, d], for every integration rule. */
export async function normAttentionGram(task: JacobianGramTask, { norm, attention }: NormAttention): Promise<Matrix> {
  const { engine } = task.section;
  const { heads, skip, scale: c } = attention;
  const input = new NormedInput(engine, norm);
  const metric = outputMetric(task.nextC, skip.cols);
  /** Heads and skip connection seen through A, then through E. */
  const seen = input.parts.flatMap((part) => heads.map(({ Q, K, V, O }) => ({ Q: multiply(part, Q), K: multiply(part, K), V: multiply(part, V), O })));
  const skips = input.parts.map((part) => multiply(part, skip));
  const places = task.points.flatMap(({ weight }, point) => heads.map((_, head): HeadPlace & { point: number } => ({ head, weight, point })));
  const metrics = headMetrics(engine, heads, metric, places);
  const together = headsTogether(attention);
  const { weights, dispose } = headWeights(engine, heads);
  const sums = new AttentionSums(seen, skips);
  const rows = new NormRows(engine, attention, task.points, times(skip, task.nextC), heads.map(({ O }) => times(O, task.nextC)), input.leftMap.cols);
  const weightSum = task.points.reduce((sum, { weight }) => sum + weight, 0);
  /** Sums over outputs of 1, rho and rho^2, with rho integrated. */
  const rates = [0, 0, 0];
  /** Numbers of an output that a pair of heads is scaled by. */
  const scales = task.points.length > 1 ? 4 : 3;
  let inputs = 0;
  const size = (positions: number, count: number): number => (
    places.length * (headStateSize(attention, positions, count) + count * positions) + task.points.length * positions * input.valuesPerPosition
    + Math.max(
      headStateTemporaries(attention, positions, count) + together * headStateSize(attention, positions, count),
      task.points.length * pairTermsSize(attention, positions, count, scales), rows.size(positions),
    )
  );
  const longest = (positions: number, count: number): number => (
    Math.max(headStateMultiplications(attention, positions, count), pairTermsMultiplications(attention, positions, count, scales))
  );
  try {
    await task.activations.forEachBatch(async (batch) => {
      await forEachBlock(engine, attention, batch, size, task.memoryBudget, async (x, count) => {
        task.checkCancelled();
        const normed = engine.tidy(() => {
          const { points, left } = input.at(x, task.points);
          const integrated = points.map(({ rate }, point) => engine.affine(rate, task.points[point].weight)).reduce((sum, rate) => engine.add(sum, rate));
          return { points, left, integrated };
        });
        const turns = engine.tidy(() => turnsOf(engine, attention, x.shape[1], count));
        const atOutputs = (factors: Tensor): Tensor => engine.reshape(
          engine.slice(factors, [0, x.shape[1] - count, 0], [x.shape[0], count, 1]), [x.shape[0] * count, 1],
        );
        const plain = places.map(({ head, point }) => {
          task.checkCancelled();
          return engine.tidy(() => headState(engine, attention, weights[head], normed.points[point].output, count, turns));
        });
        await rows.add(plain, normed, turns, () => task.checkCancelled());
        const groups: PlacedGroup[] = [];
        for (const [point, { rate }] of normed.points.entries()) {
          for (let first = 0; first < heads.length; first += together) {
            const states = plain.slice(point * heads.length + first, point * heads.length + Math.min(first + together, heads.length));
            for (const [at, state] of states.entries()) {
              task.checkCancelled();
              const { head, weight } = places[point * heads.length + first + at];
              const cross = (scaling: Tensor | null): Tensor => engine.tidy(() => crossTerms(engine, state, c, scaling && atOutputs(scaling)));
              await sums.addCross(head, 0, weight * weightSum, engine, cross(null));
              await sums.addCross(head, 1, weight, engine, cross(normed.integrated));
              await sums.addCross(heads.length + head, 0, weight * weightSum, engine, cross(rate));
              await sums.addCross(heads.length + head, 1, weight, engine, engine.tidy(() => cross(engine.mul(rate, normed.integrated))));
            }
            const group = headGroup(engine, states);
            engine.dispose(...new Set(states.flatMap((state) => Object.values(state) as Tensor[])));
            groups.push({ plain: group, scaled: scaledGroup(engine, group, rate), point });
          }
        }
        await addHeadPairs(engine, sums, groups, places, metrics, c, turns, () => task.checkCancelled());
        const own = engine.tidy(() => atOutputs(normed.integrated));
        for (const rate of await engine.read(own)) [1, rate, rate * rate].forEach((value, power) => { rates[power] += value; });
        const held = groups.flatMap(({ plain: unscaled, scaled }) => [...tensorsOf(unscaled), ...tensorsOf(scaled!)]);
        const turning = (turns ? [turns.inputs, turns.outputs] : []).flatMap((turn) => Object.values(turn) as Tensor[]);
        engine.dispose(...new Set([...held, ...turning, own, normed.left, normed.integrated, ...normed.points.flatMap((point) => Object.values(point) as Tensor[])]));
      }, longest);
      inputs += batch.shape[0] * batch.shape[1];
    }, task.progress);
  } finally {
    dispose();
    input.dispose();
    rows.dispose();
    engine.dispose(...metrics);
  }
  const skipPowers = [[weightSum ** 2 * rates[0], weightSum * rates[1]], [weightSum * rates[1], rates[2]]];
  const bypass = skips.flatMap((left, a) => skips.map((right, b) => scale(sandwich(left, metric, right), skipPowers[a][b])))
    .reduce((sum, term) => add(sum, term), matrix(skips[0].rows, skips[0].rows));
  const total = add(add(sums.assemble(metric), bypass), rows.assemble(input.leftMap, seen, skips.map((part) => times(part, task.nextC))));
  return scale(total, 1 / inputs);
}
