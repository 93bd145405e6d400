/** @file Means and Grams of all node layers: one pass over the data for each (method sections 2.1, 2.2). */

import type { NodeLayer, SectionedNetwork } from "../../network/section";
import type { LibOptions, LibSignals } from "../options";
import { shelved, type Shelf } from "../shelf";
import type { ActivationSource } from "./activationSource";
import { GramAccumulator } from "./gram";
import { MeanAccumulator } from "./means";
import type { LayerStatistics } from "./statistics";

/** Only layers with a constant component are centred: the logits of `output` have none (method section 1.6). */
export const isCentered = (layer: NodeLayer, options: Pick<LibOptions, "center">): boolean => options.center && layer.hasConstant;

/** Statistics by layer index. */
export async function layerStatistics(
  network: SectionedNetwork, source: ActivationSource, layers: readonly NodeLayer[], options: LibOptions, signals: LibSignals,
): Promise<Map<number, LayerStatistics>> {
  const result = new Map<number, LayerStatistics>();
  if (layers.length === 0) return result;
  const { engine } = network.network;
  const last = Math.max(...layers.map(({ index }) => index));

  const means = layers.map((layer) => new MeanAccumulator(engine, layer.width));
  await source.forEachBatch(last, async (activations) => {
    for (const [place, layer] of layers.entries()) await means[place].add(activations[layer.index]);
  }, { keep: true, onProgress: (fraction) => signals.progress("means", fraction, "mean activations") });
  const mean = layers.map((layer, place) => means[place].mean(layer.hasConstant));

  const grams = layers.map((layer, place) => new GramAccumulator(engine, layer.width, isCentered(layer, options) ? mean[place] : null));
  await source.forEachBatch(last, async (activations) => {
    for (const [place, layer] of layers.entries()) await grams[place].add(activations[layer.index]);
  }, { onProgress: (fraction) => signals.progress("grams", fraction, "Gram matrices") });
  for (const [place, layer] of layers.entries()) result.set(layer.index, shelvedStatistics(grams[place].statistics(mean[place]), options.shelf));
  return result;
}

function shelvedStatistics({ mean, centered, gram }: LayerStatistics, shelf: Shelf): LayerStatistics {
  const kept = shelved(shelf, gram);
  return { mean, centered, get gram() { return kept(); } };
}
