/** @file Edges of a section in the LIB, PCA or neuron basis (method sections 2.7, 3.1 to 3.3). */

import { identity } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import type { NodeLayer, Section } from "../../network/section";
import type { FeatureMap, LayerBasis } from "../basis/layerBasis";
import type { EdgeBasis, LibOptions, TaskSignals } from "../options";
import { planEdges } from "../plans/planEdges";
import type { EdgesTask, SectionPlan } from "../plans/sectionPlan";
import { integrationPoints, integrationRule } from "../sources/integration";
import { edgeDraws } from "../sources/randomSources";
import { featuresOfOutput } from "../sources/sourceChunks";
import type { LayerActivations } from "../statistics/activationSource";
import { functionalEdges } from "./functionalEdges";

/** The features of one node layer in a basis; null for a last layer without a rotation, whose features are its components. */
export function featureMapIn(basis: EdgeBasis, layer: LayerBasis | null, { width }: NodeLayer): FeatureMap | null {
  if (!layer) return null;
  if (basis === "lib") return layer;
  if (basis === "pca") return { get C() { return layer.W; }, get CPinv() { return layer.WPinv; } };
  const C = identity(width);
  return { C, CPinv: C };
}

/** @param maps feature maps of all node layers in one basis */
export async function edgesBetween(
  section: Section, activations: LayerActivations, maps: readonly (FeatureMap | null)[], options: LibOptions, signals: TaskSignals,
): Promise<{ edges: Matrix; path: string }> {
  const own = identity(section.inputWidth);
  const rule = integrationRule(options, section.from);
  const task: EdgesTask = {
    section,
    activations,
    features: maps[section.index] ?? { C: own, CPinv: own },
    nextC: maps[section.index + 1]?.C ?? null,
    points: integrationPoints(rule.integration, rule.intervals),
    memoryBudget: options.memoryBudget / 4,
    checkCancelled: () => signals.checkCancelled(),
    progress: (fraction) => signals.task(fraction),
  };
  const plan = edgePlan(task, options);
  return { edges: await plan.edges(task), path: plan.path };
}

function edgePlan({ section, activations, features, nextC, points }: EdgesTask, options: LibOptions): Pick<SectionPlan, "path" | "edges"> {
  if (options.edgeFormula === "functional") return { path: "functional edges (one vector-Jacobian product per feature and point)", edges: functionalEdges };
  const outputs = featuresOfOutput(section, nextC).cols;
  const draws = options.edgeSources === null || activations.positions === 1 ? null : edgeDraws(options.edgeSources, options.seed, section.index);
  return planEdges(section, { task: { edgesFrom: features.C.cols }, outputs, positions: activations.positions, points: points.length }, draws);
}
