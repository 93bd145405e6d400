/** @file Adds what all pairs of heads of a chunk bring to M' (method section 2.10): for every head its pairs with the heads before it, a group at a time. */

import type { Engine, Tensor } from "../../../../engine/engine";
import { scale } from "../../../linalg/elementary";
import type { Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import type { AttentionSkip } from "../../../network/attentionStructure";
import { stacked } from "../../../network/folding";
import { covariancePairs, covariancesByOwnWeights, pairTerms, scaledCovariances } from "./attentionPairs";
import type { Turns } from "./attentionState";
import type { AttentionSums } from "./attentionSums";
import { someHeads, type HeadGroup } from "./headGroups";

/** A head at a point of the integration. */
export interface HeadPlace {
  /** Its number in the attention. */
  readonly head: number;
  /** Of the point. */
  readonly weight: number;
}

/** Consecutive places, as they are and where a norm stands before the attention scaled by its rho as well; those then belong to one point. */
export interface PlacedGroup {
  readonly plain: HeadGroup;
  readonly scaled: HeadGroup | null;
  readonly point: number;
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

/** The heads of a group as they are, then scaled. */
const variantsOf = ({ plain, scaled }: PlacedGroup): HeadGroup[] => (scaled ? [plain, scaled] : [plain]);

/**
 * @param sums of all heads as they are, then scaled @param groups the heads of `places`, in their order
 * @param metrics of headMetrics @param c scale of the scores
 */
export async function addHeadPairs(
  engine: Engine, sums: AttentionSums, groups: readonly PlacedGroup[], places: readonly HeadPlace[], metrics: readonly Tensor[],
  c: number, turns: Turns | null, checkCancelled: () => void,
): Promise<void> {
  const starts: number[] = [];
  for (const [index] of groups.entries()) starts.push(index === 0 ? 0 : starts[index - 1] + groups[index - 1].plain.queries.shape[0]);
  const byOwn = covariancesOfAll(engine, groups, checkCancelled);
  /** sum_t p_mtt B_ht [count, e, f], of the heads h from `of` and m from `weighted` on, one of them a single head. */
  const ownCovariances = (group: number, variant: number, [of, ofCount]: [number, number], [weighted, weightedCount]: [number, number]): Tensor => {
    const table = byOwn[group][variant];
    const [, , e, f] = table.shape as [number, number, number, number];
    return engine.reshape(engine.slice(table, [of, weighted, 0, 0], [ofCount, weightedCount, e, f]), [ofCount * weightedCount, e, f]);
  };
  for (const [groupM, seconds] of groups.entries()) {
    for (let inGroup = 0; inGroup < seconds.plain.queries.shape[0]; inGroup += 1) {
      const m = starts[groupM] + inGroup;
      const { head, weight } = places[m];
      /** The covariances of m times what the heads of a point ask for. */
      const scaledForPoint = new Map<number, Tensor[]>();
      for (let group = 0; group <= groupM; group += 1) {
        checkCancelled();
        const firsts = groups[group];
        const first = starts[group];
        const most = Math.min(firsts.plain.queries.shape[0], m - first + 1);
        const metricOf = (count: number): Tensor => engine.slice(metrics[head], [first, 0, 0], [count, ...metrics[head].shape.slice(1)]);
        const { scales, indexOf } = scalesOfPair(engine, firsts, seconds);
        const ofM = scaledForPoint.get(firsts.point) ?? engine.tidy(() => scaledCovariances(engine, someHeads(engine, seconds.plain, inGroup, 1), scales));
        scaledForPoint.set(firsts.point, ofM);
        engine.dispose(...scales.filter((scale) => scale !== null));
        const queryPairs = engine.tidy(() => covariancePairs(engine, someHeads(engine, firsts.plain, 0, most), ofM, metricOf(most), c));
        const e = queryPairs.shape[1];
        for (const [a, variantH] of variantsOf(firsts).entries()) {
          for (const [b, variantM] of variantsOf(seconds).entries()) {
            // A head as it is with itself scaled is one pair, not two.
            const count = a > b && first + most > m ? most - 1 : most;
            if (count === 0) continue;
            checkCancelled();
            const blocks = engine.tidy(() => {
              const own = {
                ofFirst: ownCovariances(group, a, [0, count], [b * places.length + m, 1]),
                ofSecond: ownCovariances(groupM, b, [inGroup, 1], [a * places.length + first, count]),
              };
              const QQ = engine.reshape(engine.slice(queryPairs, [0, 0, indexOf(a, b), 0], [count, e, 1, e]), [count, e, e]);
              return pairTerms(engine, someHeads(engine, variantH, 0, count), someHeads(engine, variantM, inGroup, 1), own, metricOf(count), QQ, c, turns);
            });
            const of = places.slice(first, first + count).map((place) => a * metrics.length + place.head);
            await sums.addPairs(of, b * metrics.length + head, a === b && first + count > m, weight, engine, blocks);
          }
        }
        engine.dispose(queryPairs);
      }
      engine.dispose(...[...scaledForPoint.values()].flat());
    }
  }
  engine.dispose(...byOwn.flat());
}

/** By group and variant sum_t p_mtt B_ht [g, variants places, e, f] with the own weights of all heads m, as they are, then scaled. */
function covariancesOfAll(engine: Engine, groups: readonly PlacedGroup[], checkCancelled: () => void): Tensor[][] {
  const ownWeights = engine.tidy(() => {
    const all = engine.concat(variantsOf(groups[0]).flatMap((_, variant) => groups.map((group) => variantsOf(group)[variant].ownWeight)), 0);
    return engine.reshape(all, [all.shape[0], all.shape[1]]);
  });
  const tables = groups.map((group) => variantsOf(group).map(({ unscaled }) => {
    checkCancelled();
    return engine.tidy(() => {
      const weights = unscaled ? engine.mul(ownWeights, engine.reshape(unscaled.ownScale, [1, ownWeights.shape[1]])) : ownWeights;
      return covariancesByOwnWeights(engine, group.plain, weights);
    });
  }));
  engine.dispose(ownWeights);
  return tables;
}

/** The numbers at outputs that the pairs of two groups' variants are scaled by, and which of them belongs to variant a of the first and b of the second. */
function scalesOfPair(engine: Engine, first: PlacedGroup, second: PlacedGroup): { scales: (Tensor | null)[]; indexOf: (a: number, b: number) => number } {
  const [own, other] = [first.scaled?.unscaled?.ownScale, second.scaled?.unscaled?.ownScale];
  if (!own || !other) return { scales: [null], indexOf: () => 0 };
  const copy = (x: Tensor): Tensor => engine.reshape(x, x.shape);
  // At one point both are scaled by the same numbers.
  if (first.point === second.point) return { scales: [null, copy(own), engine.square(own)], indexOf: (a, b) => a + b };
  return { scales: [null, copy(other), copy(own), engine.mul(own, other)], indexOf: (a, b) => 2 * a + b };
}
