/** @file The basis of one node layer from its statistics and the basis of the next (method sections 1.6, 2.3 to 2.5, 2.7). */

import type { NodeLayer, SectionedNetwork } from "../network/section";
import type { ActivationSource } from "./activationSource";
import { libBasis, neuronBasis, pcaBasis } from "./basis";
import { integrationPoints } from "./integration";
import type { LayerBasis, LayerResult } from "./layerBasis";
import type { LibOptions } from "./options";
import { principalDirections } from "./pca";
import { planSection } from "./planSection";
import type { LayerStatistics } from "./statistics";

export interface TaskSignals {
  checkCancelled(): void;
  /** Fraction of this task. */
  task(fraction: number): void;
}

/**
 * @param statistics null for a layer without a basis of its own (an un-rotated last layer)
 * @param next basis of the next node layer, null when it has none
 */
export async function layerBasis(
  network: SectionedNetwork, layer: NodeLayer, statistics: LayerStatistics | null, next: LayerBasis | null,
  source: ActivationSource, options: LibOptions, signals: TaskSignals,
): Promise<LayerResult> {
  const { index, name, width } = layer;
  if (!statistics) return { index, name, width, basis: null, path: null };
  const directions = principalDirections(statistics.gram, statistics.centered);
  if (options.formula === "neuron") return { index, name, width, basis: neuronBasis(statistics, directions, options), path: null };
  if (options.formula === "svd" || index === network.sections.length) {
    return { index, name, width, basis: pcaBasis(statistics, directions, options), path: null };
  }
  const section = network.sections[index];
  const plan = planSection(section, options);
  const jacobianGram = await plan.jacobianGram({
    section,
    activations: source.at(index),
    points: integrationPoints(options.integration, options.intervals),
    nextC: next?.C ?? null,
    memoryBudget: options.memoryBudget / 4,
    checkCancelled: () => signals.checkCancelled(),
    progress: (fraction) => signals.task(fraction),
  });
  return { index, name, width, basis: libBasis(statistics, directions, jacobianGram, options), path: plan.path };
}
