/** @file Edges of one section in a basis over the whole data set, for those who need more than an analysis keeps of it. */

import type { Matrix } from "../../linalg/matrix";
import type { BatchSource } from "../../network/batches";
import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import type { LibOptions, LibSignals } from "../options";
import { ActivationSource } from "../statistics/activationSource";
import { edgesBetween } from "./edgesBetween";

/** E [r', r] of section `index`, from every sample. @param maps of the node layers at its ends; null: its components themselves */
export async function edgesOfSection(
  network: SectionedNetwork, index: number, maps: { from: FeatureMap | null; to: FeatureMap | null }, batches: BatchSource, options: LibOptions, signals: LibSignals,
): Promise<Matrix> {
  const section = network.sections[index];
  const source = new ActivationSource(network, batches, options.memoryBudget / 2, () => signals.checkCancelled());
  const ends = network.nodeLayers.map((layer) => (layer.index === index ? maps.from : layer.index === index + 1 ? maps.to : null));
  const task = (fraction: number): void => signals.progress("edges", fraction, section.from);
  try {
    return (await edgesBetween(section, source.at(index), ends, options, { ...signals, task })).edges;
  } finally {
    source.dispose();
  }
}
