/** @file Adds what all pairs of heads of a chunk bring to M' (method section 2.10): for every head its pairs with the heads before it, a group at a time. */

import type { Engine, Tensor } from "../../../../engine/engine";
import { scale } from "../../../linalg/elementary";
import type { Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import { covariancesByOwnWeights, pairTerms } from "./attentionPairs";
import type { Turns } from "./attentionState";
import type { AttentionSums } from "./attentionSums";
import { someHeads, type HeadGroup } from "./headGroups";

/** A head at a point of the integration. */
export interface HeadPlace {
  /** Its number in the attention, and in the sums. */
  readonly head: number;
  readonly seen: number;
  /** Of the point. */
  readonly weight: number;
}

/** For every head m the G = w_h O_h P O_m^T of the heads h at all places [places, f, f]. */
export function headMetrics(engine: Engine, heads: AttentionSkip["heads"], metric: Matrix, places: readonly HeadPlace[]): Tensor[] {
  const f = heads[0].O.rows;
  const seen = heads.map(({ O }) => multiply(O, metric));
  return heads.map(({ O }) => {
    const each = seen.map((left) => multiply(left, O, { transposeB: true }));
    const all = stacked(places.map(({ head, weight }) => scale(each[head], weight)));
    return engine.tensor(all.data, [places.length, f, f]);
  });
}

/** @param groups the heads of `places`, in their order @param metrics of headMetrics */
export async function addHeadPairs(
  engine: Engine, sums: AttentionSums, groups: readonly HeadGroup[], places: readonly HeadPlace[], metrics: readonly Tensor[],
  c: number, turns: Turns | null, checkCancelled: () => void,
): Promise<void> {
  const starts: number[] = [];
  for (const [index] of groups.entries()) starts.push(index === 0 ? 0 : starts[index - 1] + groups[index - 1].queries.shape[0]);
  const ownWeights = engine.tidy(() => {
    const all = engine.concat(groups.map(({ ownWeight }) => ownWeight), 0);
    return engine.reshape(all, [all.shape[0], all.shape[1]]);
  });
  const byOwn = groups.map((group) => {
    checkCancelled();
    return covariancesByOwnWeights(engine, group, ownWeights);
  });
  /** sum_t p_mtt B_ht [count, e, f], of the heads h from `of` and m from `weighted` on, one of them a single head. */
  const ownCovariances = (group: number, [of, ofCount]: [number, number], [weighted, weightedCount]: [number, number]): Tensor => {
    const [, , e, f] = byOwn[group].shape as [number, number, number, number];
    return engine.reshape(engine.slice(byOwn[group], [of, weighted, 0, 0], [ofCount, weightedCount, e, f]), [ofCount * weightedCount, e, f]);
  };
  for (const [groupM, { queries }] of groups.entries()) {
    for (let inGroup = 0; inGroup < queries.shape[0]; inGroup += 1) {
      const m = starts[groupM] + inGroup;
      const place = places[m];
      for (let group = 0; group <= groupM; group += 1) {
        checkCancelled();
        const first = starts[group];
        const count = Math.min(groups[group].queries.shape[0], m - first + 1);
        const blocks = engine.tidy(() => {
          const [, f] = metrics[place.head].shape as [number, number];
          const G = engine.slice(metrics[place.head], [first, 0, 0], [count, f, f]);
          const own = { ofFirst: ownCovariances(group, [0, count], [m, 1]), ofSecond: ownCovariances(groupM, [inGroup, 1], [first, count]) };
          return pairTerms(engine, someHeads(engine, groups[group], 0, count), someHeads(engine, groups[groupM], inGroup, 1), own, G, c, turns);
        });
        await sums.addPairs(places.slice(first, first + count).map(({ seen }) => seen), place.seen, first + count > m, place.weight, engine, blocks);
      }
    }
  }
  engine.dispose(ownWeights, ...byOwn);
}
