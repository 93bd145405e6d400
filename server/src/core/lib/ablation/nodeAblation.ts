/** @file Node ablation: the score with only the first k features of one node layer (method section 4.2). */

import type { Tensor } from "../../../engine/engine";
import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import { bisect, type BisectSchedule } from "./bisect";
import { chosen, part, times } from "./chosenFeatures";
import { fromNodeLayer, isWithin, scoreOf, type EvaluationData, type EvaluationSignals } from "./evaluate";
import { featureSection } from "./featureSection";
import { asActivations, disposeFeatures, layerFeatures, type FeatureBatch } from "./layerFeatures";
import { ablatedCounts, fitted, runSchedule, type Schedule } from "./schedules";

export interface NodeAblationOptions {
  /** Numbers of features to probe, counted out of the width d of the node layer, truncated directions included. */
  readonly schedule: BisectSchedule | Schedule;
  /** How much worse than the base score a score may be to count as needing no more features. */
  readonly tolerance: number;
  /** For schedules other than the bisection: stop once a score is further than this from the base score; never when absent. */
  readonly earlyStopping?: number;
}

export interface NodeAblationCurve {
  readonly layer: string;
  /** [features kept, score], ascending. */
  readonly points: readonly (readonly [kept: number, score: number])[];
  /**
   * Smallest probed number of features from which this and every larger probed number stay within the tolerance; of a bisection the
   * crossing that it found.
   */
  readonly needed: number;
  readonly stoppedEarly: boolean;
}

/**
 * Replaces the activations of a node layer, at all positions, by f C[:, :k] CPinv[:k, :] for every k of the schedule and runs the rest of the network.
 * From k = r on the original activations count, truncated directions included; k = 0 is the zero vector, constant included;
 * with centring k = 1 is the mean activation.
 * @param layer index of the node layer
 * @param basis C [d, r] and CPinv [r, d] of that layer: LIB, or W and WPinv for PCA
 * @param base score of the network as it is
 */
export async function ablateNodes(
  network: SectionedNetwork, layer: number, basis: FeatureMap, data: EvaluationData, base: number, options: NodeAblationOptions, signals: EvaluationSignals,
): Promise<NodeAblationCurve> {
  const { engine } = network.network;
  const { name, width } = network.nodeLayers[layer];
  const kept = basis.C.cols;
  const { schedule, tolerance, earlyStopping } = options;
  const probes = schedule.kind === "bisect"
    ? Math.ceil(Math.log2(width)) + 1 + (schedule.specificPoints?.length ?? 0)
    : ablatedCounts(fitted(schedule, width), width).filter((ablated) => width - ablated < kept).length;
  const batches = await layerFeatures(network, layer, basis.C, data, signals);
  const run = leadingFeatures(network, layer, basis);
  let done = 0;
  const evaluate = async (remaining: number): Promise<number> => {
    if (remaining >= kept) return base;
    const score = await scoreOf(engine, data, batches, (batch) => run(batch, remaining), signals);
    done += 1;
    signals.progress(done / probes);
    return score;
  };
  const isGood = (score: number): boolean => isWithin(data.metric, score, base, tolerance);
  try {
    if (schedule.kind === "bisect") return { layer: name, stoppedEarly: false, ...await bisectNodes(schedule, width, evaluate, isGood) };
    const { points, stoppedEarly } = await runSchedule(ablatedCounts(fitted(schedule, width), width), width, evaluate, earlyStopping);
    const firstBad = points.find(([, score]) => !isGood(score));
    const good = points.slice(0, firstBad ? points.indexOf(firstBad) : points.length);
    return { layer: name, points: points.reverse(), needed: good.at(-1)![0], stoppedEarly };
  } finally {
    disposeFeatures(engine, batches);
  }
}

async function bisectNodes(
  schedule: BisectSchedule, width: number, evaluate: (remaining: number) => Promise<number>, isGood: (score: number) => boolean,
): Promise<Pick<NodeAblationCurve, "points" | "needed">> {
  const scores = new Map([[width, await evaluate(width)]]);
  const probe = async (remaining: number): Promise<number> => {
    const score = scores.get(remaining) ?? await evaluate(remaining);
    scores.set(remaining, score);
    return score;
  };
  const { required } = await bisect(width, async (remaining) => isGood(await probe(remaining)), schedule);
  for (const remaining of schedule.specificPoints ?? []) if (remaining <= width) await probe(remaining);
  return { points: [...scores].sort(([a], [b]) => a - b), needed: required };
}

/** From a batch's features to the network's output with only the first `count` of them. */
export function leadingFeatures(network: SectionedNetwork, layer: number, { CPinv }: FeatureMap): (batch: FeatureBatch, count: number) => Tensor {
  const { engine } = network.network;
  const leading = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  if (layer === network.sections.length) {
    return (batch, count) => {
      const rows = times(engine, chosen(engine, batch.features, leading(count)), part(CPinv, leading(count), null));
      return network.post(asActivations(engine, rows, batch.samples));
    };
  }
  const next = featureSection(network.sections[layer], CPinv, null);
  return (batch, count) => {
    return fromNodeLayer(network, layer + 1, asActivations(engine, next.apply(batch, leading(count), null), batch.samples));
  };
}
