/** @file Resolved spec options as the options of core. */

import { defaultLibOptions, type LibOptions } from "../../core/lib/options";
import type { NetworkInputs } from "../../core/network/network";
import type { SectionedNetwork } from "../../core/network/section";
import type { ResolvedOptions } from "../spec/resolveSpec";
import { comparisonSamples } from "./sampleSizes";

export function toLibOptions({ basis, edges, seed }: ResolvedOptions, memoryBudget: number, network: SectionedNetwork, inputs: NetworkInputs): LibOptions {
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
    comparisonSamples: comparisonSamples(network, inputs),
    memoryBudget,
  };
}
