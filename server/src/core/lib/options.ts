/** @file What a LIB analysis may vary, and how it speaks to whoever runs it. */

import type { PhaseName } from "../../protocol/events";
import type { IntegrationMethod } from "./integration";

/** Bases that edges can be computed in. */
export type EdgeBasis = "lib" | "pca" | "neuron";

export interface LibOptions {
  /** Basis of the analysis: LIB (`jacobian`), PCA (`svd`) or the neurons themselves. */
  readonly formula: "jacobian" | "svd" | "neuron";
  /** Subtract the mean activation (method section 2.2); not possible for `neuron`. */
  readonly center: boolean;
  readonly integration: IntegrationMethod;
  /** n of the integration rule; 0 for `gradient`. */
  readonly intervals: number;
  /** Directions and features below threshold times the largest non-constant one are dropped (method section 9.4). */
  readonly threshold: number;
  /**
   * The same for the PCA basis that edges and ablations compare with; 0 keeps every direction. PCA does not divide by the deviation of a
   * direction, so small ones carry no noise into it. A direction without variance can be a sum of attributions that cancel: its edges
   * are strong and count among those required (modular addition, seed 0, ln1.0: 137 at 1e-6; at 1e-10 153 in float32 and 156 in
   * float64; 167 with every direction, as in the authors' result).
   */
  readonly pcaThreshold: number;
  /** Rotate the last node layer to its PCA basis (method section 1.6). */
  readonly rotateOutput: boolean;
  /** Bases to compute edges in, the main one first. */
  readonly edgeBases: readonly EdgeBasis[];
  /**
   * Edges in bases after the first serve comparison: at most about this many samples, taken evenly, are used for them. In PCA or neuron
   * coordinates a wide layer has many times the features of its LIB basis, and the edges cost as many times more.
   */
  readonly comparisonSamples: number;
  /** Bytes that activations kept between passes and cotangents of one chunk may take. */
  readonly memoryBudget: number;
}

export const defaultLibOptions: LibOptions = {
  formula: "jacobian",
  center: true,
  integration: "gradient",
  intervals: 0,
  threshold: 1e-6,
  pcaThreshold: 0,
  rotateOutput: false,
  edgeBases: ["lib", "pca"],
  comparisonSamples: 5000,
  memoryBudget: 512 * 2 ** 20,
};

export interface LibSignals {
  /** Throws when the run was cancelled; called between batches, at least about every 50 ms of work. */
  checkCancelled(): void;
  /** @param fraction of the phase, 0 to 1 */
  progress(phase: PhaseName, fraction: number, detail: string): void;
}

export const silentSignals: LibSignals = { checkCancelled: () => undefined, progress: () => undefined };
