/** @file What a LIB analysis may vary, and how it speaks to whoever runs it. */

import type { PhaseName } from "../../protocol/events";
import type { BasisFormula } from "../../protocol/spec";
import type { ImportedDirections } from "./basis/importedBasis";
import { inMemory, type Shelf } from "./shelf";
import type { IntegrationMethod } from "./sources/integration";

/** Bases that edges can be computed in. */
export type EdgeBasis = "lib" | "pca" | "neuron";

type EdgeFormula = "squared" | "functional";

/** A number: a share of the largest non-constant eigenvalue or Lambda (method section 9.4); absolute: the values themselves, as the authors' code. */
export type Threshold = number | { readonly absolute: number };

/** Random probes instead of exact sums (method section 2.4); null: exact. */
export interface BasisSources {
  /** r_p, over output positions. */
  readonly position: number | null;
  /** r_h, over output features. */
  readonly hidden: number | null;
}

export interface LibOptions {
  /** Basis of the analysis: LIB (`jacobian`), one of the two older formulas, PCA (`svd`) or the neurons themselves (method section 2.7). */
  readonly formula: BasisFormula;
  /** Jacobians to the last node layer instead of the next one (method section 2.8). */
  readonly global: boolean;
  readonly sources: BasisSources;
  /** Subtract the mean activation (method section 2.2); not possible for `neuron`. */
  readonly center: boolean;
  /** One rule, or one by name of a node layer or by what such names begin with; the longest key counts. */
  readonly integration: IntegrationMethod | Readonly<Record<string, IntegrationMethod>>;
  /** n of the integration rules; without meaning for `gradient`, where it must be 0 if no layer has another rule. */
  readonly intervals: number;
  /** Directions and features below it are dropped; the constant and an isolated variance never are. */
  readonly threshold: Threshold;
  /**
   * The same for the PCA basis that edges and ablations compare with; 0 keeps every direction. PCA does not divide by the deviation of a
   * direction, so small ones carry no noise into it. A direction without variance can be a sum of attributions that cancel: its edges
   * are strong and count among those required (modular addition, seed 0, ln1.0: 137 at 1e-6; at 1e-10 153 in float32 and 156 in
   * float64; 167 with every direction, as in the authors' result).
   */
  readonly pcaThreshold: Threshold;
  /** Rotate the last node layer to its PCA basis (method section 1.6). */
  readonly rotateOutput: boolean;
  /** The variance of a norm, where it stands at a node layer, stays a feature of its own (method section 1.5). */
  readonly isolateVariance: boolean;
  /** Bases from outside by name of their node layer; they take the place of the formula there. */
  readonly imported: ReadonlyMap<string, ImportedDirections>;
  /** `squared` (method section 3.1), or the signed `functional` edges of the oldest formula (3.3). */
  readonly edgeFormula: EdgeFormula;
  /** Draws of random signs over output positions for squared edges (method section 3.2), where exact ones cost much more; null: exact. */
  readonly edgeSources: number | null;
  /** Of the random probes. */
  readonly seed: number;
  /** Bases to compute edges in, the main one first. */
  readonly edgeBases: readonly EdgeBasis[];
  /**
   * Edges in bases after the first serve comparison: at most about this many samples, taken evenly, are used for them. In PCA or neuron
   * coordinates a wide layer has many times the features of its LIB basis, and the edges cost as many times more.
   */
  readonly comparisonSamples: number;
  /** Bytes that activations kept between passes and cotangents of one chunk may take. */
  readonly memoryBudget: number;
  /** Bytes that the Grams of one pass over the data may take; at least one layer's. Further layers wait for passes of their own. */
  readonly gramBudget: number;
  /** Where finished matrices stand. */
  readonly shelf: Shelf;
}

export const defaultLibOptions: LibOptions = {
  formula: "jacobian",
  global: false,
  sources: { position: null, hidden: null },
  center: true,
  integration: "gradient",
  intervals: 0,
  threshold: 1e-6,
  pcaThreshold: 0,
  rotateOutput: false,
  isolateVariance: true,
  imported: new Map(),
  edgeFormula: "squared",
  edgeSources: null,
  seed: 0,
  edgeBases: ["lib", "pca"],
  comparisonSamples: 5000,
  memoryBudget: 512 * 2 ** 20,
  gramBudget: Infinity,
  shelf: inMemory,
};

export interface LibSignals {
  /** Throws when the run was cancelled; called between batches, at least about every 50 ms of work. */
  checkCancelled(): void;
  /** @param fraction of the phase, 0 to 1 */
  progress(phase: PhaseName, fraction: number, detail: string): void;
}

export const silentSignals: LibSignals = { checkCancelled: () => undefined, progress: () => undefined };

/** Those of one step: the basis of one layer, or the edges of one section. */
export interface TaskSignals {
  checkCancelled(): void;
  /** @param fraction of the step, 0 to 1 */
  task(fraction: number): void;
}
