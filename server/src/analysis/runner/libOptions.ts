/** @file Resolved spec options as the options of core. */

import { defaultLibOptions, type LibOptions } from "../../core/lib/options";
import type { ResolvedOptions } from "../spec/resolveSpec";

/**
 * Samples from which the edges in PCA coordinates are estimated for the graph; an ablation of PCA edges computes them from all
 * (ablationSession.ts). Without truncation PCA has several times the features of LIB, and would take most of a run.
 */
const comparisonSamples = 500;

export function toLibOptions({ basis, edges, seed }: ResolvedOptions, memoryBudget: number): LibOptions {
  return {
    ...defaultLibOptions,
    formula: basis.formula,
    global: basis.global,
    sources: basis.sources,
    center: basis.center,
    integration: basis.integration,
    intervals: basis.intervals,
    threshold: basis.threshold,
    rotateOutput: basis.rotateOutput,
    isolateVariance: basis.isolateLayerNormVariance,
    edgeFormula: edges.formula,
    edgeSources: edges.sources,
    seed,
    // "lib" is the layer's own basis, whatever the formula; with PCA or neurons there is nothing to compare it with.
    edgeBases: basis.formula === "svd" || basis.formula === "neuron" ? ["lib"] : ["lib", "pca"],
    comparisonSamples,
    memoryBudget,
  };
}
