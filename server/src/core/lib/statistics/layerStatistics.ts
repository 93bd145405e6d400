/** @file Means and Grams of all node layers: one pass over the data for each (method sections 2.1, 2.2); layers of bytes take none. */

import type { Tensor } from "../../../engine/engine";
import type { NodeLayer, SectionedNetwork } from "../../network/section";
import type { LibOptions, LibSignals } from "../options";
import { shelved } from "../shelf";
import type { ActivationSource } from "./activationSource";
import { byteStatistics, scaledBytes, type ScaledBytes } from "./byteStatistics";
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
  const keep = (layer: NodeLayer, { mean, centered, gram }: LayerStatistics): void => {
    const kept = shelved(options.shelf, gram);
    result.set(layer.index, { mean, centered, get gram() { return kept(); } });
  };
  const { engine } = network.network;
  // Activations in float32 differ from bytes on their scale by rounding only; float64 ones are taken as they are.
  const bytesOf = ({ index }: NodeLayer): ScaledBytes | null => (engine.precision === "float32" ? scaledBytes(source.bytes(index)) : null);
  const others = layers.filter((layer) => bytesOf(layer) === null);
  const means = others.map((layer) => new MeanAccumulator(engine, layer.width));
  await pass("means", "mean activations", (place, x) => means[place].add(x));
  const mean = others.map((layer, place) => means[place].mean(layer.hasConstant));

  for (const layer of layers) {
    const bytes = bytesOf(layer);
    if (bytes !== null) keep(layer, byteStatistics(bytes, isCentered(layer, options), (fraction) => {
      signals.checkCancelled();
      signals.progress("grams", fraction, `Gram matrix of ${layer.name}`);
    }));
  }
  const grams = others.map((layer, place) => new GramAccumulator(engine, layer.width, isCentered(layer, options) ? mean[place] : null));
  await pass("grams", "Gram matrices", (place, x) => grams[place].add(x));
  for (const [place, layer] of others.entries()) keep(layer, grams[place].statistics(mean[place]));
  return result;

  /** The first pass keeps the activations for the later ones. */
  async function pass(phase: "means" | "grams", detail: string, add: (place: number, x: Tensor) => Promise<void>): Promise<void> {
    if (others.length === 0) return;
    const last = Math.max(...others.map(({ index }) => index));
    await source.forEachBatch(last, async (activations) => {
      for (const [place, layer] of others.entries()) await add(place, activations[layer.index]);
    }, { keep: true, onProgress: (fraction) => signals.progress(phase, fraction, detail) });
  }
}
