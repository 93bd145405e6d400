/** @file The basis of one node layer from its statistics and the basis of the next (method sections 1.6, 2.3 to 2.5, 2.7, 2.8). */

import type { LayerBasisFacts } from "../../../protocol/result";
import type { NodeLayer, Section, SectionedNetwork } from "../../network/section";
import type { LibOptions, TaskSignals } from "../options";
import { planSection } from "../plans/planSection";
import type { JacobianGramTask, SectionPlan } from "../plans/sectionPlan";
import { integrationPoints, integrationRule } from "../sources/integration";
import { gramSources } from "../sources/randomSources";
import { featuresOfOutput, isPositionWise } from "../sources/sourceChunks";
import type { ActivationSource } from "../statistics/activationSource";
import type { LayerStatistics } from "../statistics/statistics";
import { gradientBasis, libBasis, neuronBasis, pcaBasis, whitenedFactor, whitenedGram } from "./basis";
import { gradientMoments } from "./gradientMoments";
import { importedBasis } from "./importedBasis";
import { jacobianGramByVjp } from "./jacobianGram";
import { shelvedBasis, type LayerBasis, type LayerResult } from "./layerBasis";
import { principalDirections, type PrincipalDirections } from "./pca";
import type { WhitenedGram } from "./rotation";

/**
 * @param statistics null for a layer without a basis of its own (an un-rotated last layer)
 * @param next basis of the next node layer, of the last one with `global`; null when it has none
 */
export async function basisOfLayer(
  network: SectionedNetwork, layer: NodeLayer, statistics: LayerStatistics | null, next: LayerBasis | null,
  source: ActivationSource, options: LibOptions, signals: TaskSignals,
): Promise<LayerResult> {
  const { index, name, width } = layer;
  if (!statistics) return { index, name, width, basis: null, facts: null, path: null };
  const varianceApart = options.isolateVariance && layer.isolatedVariance;
  const checkCancelled = (): void => signals.checkCancelled();
  const directions = principalDirections(statistics.gram, statistics.centered, varianceApart, checkCancelled);
  const apart: LayerBasisFacts["apart"] = [...(statistics.centered ? ["constant" as const] : []), ...(varianceApart ? ["variance" as const] : [])];
  const finished = (basis: LayerBasis, facts: Partial<LayerBasisFacts>, path: string | null = null): LayerResult => (
    { index, name, width, basis: shelvedBasis(basis, options.shelf), facts: { formula: options.formula, global: options.global, apart, ...facts }, path }
  );
  const imported = options.imported.get(name);
  if (imported) {
    const { basis, order } = importedBasis(name, statistics, directions, imported, options);
    return finished(basis, { formula: "imported", global: false, apart: apart.slice(0, basis.masked), imported: { source: imported.source, order: [...order] } });
  }
  const { formula } = options;
  if (formula === "neuron") return finished(neuronBasis(statistics, directions, options), { apart: [] });
  if (formula === "svd" || index === network.sections.length) return finished(pcaBasis(statistics, directions, options), { formula: "svd", global: false });
  const section = options.global ? network.between(index, network.sections.length) : network.sections[index];
  const rule = integrationRule(options, name);
  const task = (): JacobianGramTask => ({
    section,
    activations: source.at(index),
    outputs: options.global ? null : source.kept(index + 1),
    points: integrationPoints(rule.integration, rule.intervals),
    nextC: next?.C ?? null,
    memoryBudget: options.memoryBudget / 4,
    checkCancelled,
    progress: (fraction) => signals.task(fraction),
  });
  if (formula !== "jacobian") {
    const basis = gradientBasis(statistics, directions, await gradientMoments(task(), formula), options, checkCancelled);
    return finished(basis, {}, `integrated gradients of formula ${formula} (one vector-Jacobian product per sample and point)`);
  }
  const { M, path } = await whitened(task(), statistics, directions, options);
  return finished(libBasis(statistics, directions, M, options, checkCancelled), {}, path);
}

/** A function of its own, so that M' and the next C of a wide layer are out of reach when M is decomposed. */
async function whitened(
  task: JacobianGramTask, statistics: LayerStatistics, directions: PrincipalDirections, options: LibOptions,
): Promise<{ M: WhitenedGram; path: string }> {
  const plan = gramPlan(task.section, task, options);
  if (plan.gramFactor) return { M: whitenedFactor(statistics, directions, await plan.gramFactor(task), options), path: plan.path };
  return { M: whitenedGram(statistics, directions, await plan.jacobianGram(task), options), path: plan.path };
}

/** Random sources where they were asked for and save something: position-wise sections are exact over positions at no cost. */
function gramPlan(section: Section, task: JacobianGramTask, options: LibOptions): Pick<SectionPlan, "path" | "jacobianGram" | "gramFactor"> {
  const { position, hidden } = options.sources;
  if (hidden === null && (position === null || isPositionWise(section))) {
    const outputs = featuresOfOutput(section, task.nextC).cols;
    return planSection(section, { task: "gram", outputs, positions: task.activations.positions, points: task.points.length });
  }
  const over = [...(position === null ? [] : [`${position} over positions`]), ...(hidden === null ? [] : [`${hidden} over features`])];
  return {
    path: `vector-Jacobian products of random sources (${over.join(", ")})`,
    jacobianGram: () => jacobianGramByVjp(task, gramSources(section.engine, featuresOfOutput(section, task.nextC), options.sources, options.seed, section.index)),
  };
}
