/** @file How many samples the features needed are counted on, so that this costs a small part of a run. */

import type { Module } from "../../network/module";
import type { SectionedNetwork } from "../../network/section";

/** Enough to tell a tolerance of 0.001 apart: two answers. */
const mostSamples = 2000;
/** With fewer, one answer more or less would decide. */
const fewestSamples = 1000;
/**
 * Share of the operations that the run would take by one backward pass per feature, which closed forms make much fewer. Fitted on modular
 * addition, where this is a sixth of the run's time. Other networks have not been measured.
 */
const share = 0.09;
/** Multiply-adds of the fewest samples that are always affordable: about half a second. */
const alwaysAffordable = 5e9;

export interface RunSize {
  /** Samples of the analysis. */
  readonly samples: number;
  /** Samples that comparisons (PCA edges, Jacobian summaries in every basis) take, each over the full width of a layer. */
  readonly comparisonSamples: number;
  /** Features kept per node layer; the width of a layer without a basis. */
  readonly kept: readonly number[];
}

/**
 * Samples to count on: all `available` up to a limit, fewer when the run itself is small; null when too few would be left, so that the
 * count is better left to an ablation of its own.
 */
export function neededSamples(network: SectionedNetwork, run: RunSize, available: number): number | null {
  const sections = network.sections.map(({ modules }) => operations(modules));
  const runOperations = network.sections.reduce((total, { index, outputWidth }) => (
    total + sections[index] * (run.samples * run.kept[index + 1] + run.comparisonSamples * outputWidth)
  ), 0);
  let rest = operations(restOf(network));
  let perSample = 0;
  for (let layer = network.sections.length - 1; layer >= 0; layer -= 1) {
    rest += sections[layer];
    // The search ends at the first number that loses too much: on average half way.
    perSample += (run.kept[layer] / 2) * rest;
  }
  const affordable = Math.max(Math.floor((share * runOperations) / perSample), fewestSamples * perSample <= alwaysAffordable ? fewestSamples : 0);
  const samples = Math.min(available, mostSamples, affordable);
  return samples >= Math.min(available, fewestSamples) ? samples : null;
}

/** Modules after the last node layer. */
function restOf({ network, sections }: SectionedNetwork): readonly Module[] {
  const last = sections.at(-1)!.modules.at(-1)!;
  return network.modules.slice(network.modules.indexOf(last) + 1);
}

/** Multiply-adds per position of a forward pass; attention counts by its projections. */
function operations(modules: readonly Module[]): number {
  return modules.reduce((total, { structure, inputWidths }) => total + (structure.kind === "linear"
    ? structure.terms.reduce((sum, { weight }) => sum + (weight ? weight.data.length : 0), 0)
    : inputWidths.reduce((sum, width) => sum + width, 0)), 0);
}
