/** @file Features needed to keep the score (method section 4.2), without the rest of the ablation curve. */

import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import { isWithin, scoreOf, type EvaluationData, type EvaluationSignals } from "./evaluate";
import { disposeFeatures, layerFeatures } from "./layerFeatures";
import { leadingFeatures } from "./nodeAblation";

/**
 * Smallest k such that the first k features, and every larger number of them, keep the score within `tolerance`. Curves are not
 * monotone, so no bisection: every number of features is tried from the largest down until the first that loses too much. The answer
 * is that of `ablateNodes` over all numbers.
 * @param basis C [d, r] and CPinv [r, d] of the layer; with all r features the untouched network counts
 * @param base score of the untouched network on the same data
 */
export async function featuresNeeded(
  network: SectionedNetwork, layer: number, basis: FeatureMap, data: EvaluationData, base: number, tolerance: number, signals: EvaluationSignals,
): Promise<number> {
  const { engine } = network.network;
  const kept = basis.C.cols;
  const batches = await layerFeatures(network, layer, basis.C, data, signals);
  const run = leadingFeatures(network, layer, basis);
  try {
    for (let count = kept - 1; count >= 0; count -= 1) {
      const score = await scoreOf(engine, data, batches, (batch) => run(batch, count), signals);
      if (!isWithin(data.metric, score, base, tolerance)) return count + 1;
      signals.progress((kept - count) / kept);
    }
    return 0;
  } finally {
    disposeFeatures(engine, batches);
  }
}
