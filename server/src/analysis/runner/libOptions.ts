/** @file Resolved spec options as the options of core; what is not built is refused in a sentence. */

import { defaultLibOptions, type LibOptions } from "../../core/lib/options";
import { InputError } from "../errors";
import type { ResolvedOptions } from "../spec/resolveSpec";

/**
 * Samples from which the edges in PCA coordinates are estimated for the graph; an ablation of PCA edges computes them from all
 * (ablationSession.ts). Without truncation PCA has several times the features of LIB, and would take most of a run.
 */
const comparisonSamples = 500;

/** @throws InputError */
export function toLibOptions({ basis, edges }: ResolvedOptions, memoryBudget: number): LibOptions {
  if (basis.formula !== "jacobian" && basis.formula !== "svd" && basis.formula !== "neuron") {
    throw refuse(`"basis.formula": "${basis.formula}"`, 'choose "jacobian", "svd" or "neuron"');
  }
  if (basis.global) throw refuse('"basis.global": true', "remove it to take the Jacobian to the next node layer");
  if (basis.sources.position !== null || basis.sources.hidden !== null) throw refuse('"basis.sources"', "remove it: sums over positions and features are exact");
  if (edges.formula !== "squared") throw refuse(`"edges.formula": "${edges.formula}"`, 'choose "squared"');
  if (edges.sources !== null) throw refuse('"edges.sources"', "remove it: sums over positions are exact");
  return {
    ...defaultLibOptions,
    formula: basis.formula,
    center: basis.center,
    integration: basis.integration,
    intervals: basis.intervals,
    threshold: basis.threshold,
    rotateOutput: basis.rotateOutput,
    // "lib" is the layer's own basis, whatever the formula; with PCA or neurons there is nothing to compare it with.
    edgeBases: basis.formula === "jacobian" ? ["lib", "pca"] : ["lib"],
    comparisonSamples,
    memoryBudget,
  };
}

function refuse(what: string, todo: string): InputError {
  return new InputError(`${what} is not available in this version: ${todo}.`);
}
