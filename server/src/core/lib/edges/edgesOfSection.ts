/** @file Edges of one section in a basis over the whole data set, for those who need more than an analysis keeps of it. */

import type { Matrix } from "../../linalg/matrix";
import type { BatchSource } from "../../network/batches";
import type { SectionedNetwork } from "../../network/section";
import type { FeatureMap } from "../basis/layerBasis";
import type { LibOptions, LibSignals } from "../options";
import { ActivationSource } from "../statistics/activationSource";
import { edgesBetween } from "./edgesBetween";

/** E [r', r] of section `index`, from every sample. @param maps feature maps of all node layers in the basis */
export async function edgesOfSection(
  network: SectionedNetwork, index: number, maps: readonly (FeatureMap | null)[], batches: BatchSource, options: LibOptions, signals: LibSignals,
): Promise<Matrix> {
  const section = network.sections[index];
  const source = new ActivationSource(network, batches, options.memoryBudget / 2, () => signals.checkCancelled());
  const task = (fraction: number): void => signals.progress("edges", fraction, section.from);
  try {
    return (await edgesBetween(section, source.at(index), maps, options, { ...signals, task })).edges;
  } finally {
    source.dispose();
  }
}
