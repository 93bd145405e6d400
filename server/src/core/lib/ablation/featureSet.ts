/** @file The score without, or with only, a chosen set of features of one node layer. */

import { selectColumns, selectRows } from "../../linalg/arrange";
import { multiply } from "../../linalg/multiply";
import { NetworkError } from "../../network/networkError";
import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import { ActivationSource } from "../statistics/activationSource";
import { fromNodeLayer, ScoreSum, type EvaluationData, type EvaluationSignals } from "./evaluate";

/** `keep` drops everything else, directions truncated from the basis included; the constant feature is kept only if named. */
export type FeatureSelection = { readonly remove: readonly number[] } | { readonly keep: readonly number[] };

/**
 * Removing features S replaces f by f - f C[:, S] CPinv[S, :], at all positions: nothing removed is the original network. Keeping S replaces
 * f by f C[:, S] CPinv[S, :].
 * @param layer index of the node layer
 * @throws NetworkError when a feature does not exist
 */
export async function scoreFeatureSet(
  network: SectionedNetwork, layer: number, basis: FeatureMap, selection: FeatureSelection, data: EvaluationData, signals: EvaluationSignals,
): Promise<number> {
  const { engine } = network.network;
  const removes = "remove" in selection;
  const features = [...new Set(removes ? selection.remove : selection.keep)];
  const unknown = features.find((feature) => !Number.isInteger(feature) || feature < 0 || feature >= basis.C.cols);
  if (unknown !== undefined) {
    throw new NetworkError(`Node layer "${network.nodeLayers[layer].name}" has features 0 to ${basis.C.cols - 1}; there is no feature ${unknown}.`);
  }
  const projector = multiply(selectColumns(basis.C, features), selectRows(basis.CPinv, features));
  const weights = engine.tensor(projector.data, [projector.rows, projector.cols]);
  const sum = new ScoreSum(engine, data);
  await new ActivationSource(network, data.batches, 0, () => signals.checkCancelled()).at(layer).forEachBatch(async (x) => {
    const output = engine.tidy(() => {
      const chosen = engine.matMul(x, weights);
      return fromNodeLayer(network, layer, removes ? engine.sub(x, chosen) : chosen);
    });
    await sum.add(output);
    engine.dispose(output);
  }, (fraction) => signals.progress(fraction));
  engine.dispose(weights);
  return sum.value;
}
