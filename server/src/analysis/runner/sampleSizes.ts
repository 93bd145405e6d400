/** @file How many samples the parts of a run take that only serve the views: the comparison with PCA, and the heatmaps. */

import type { NetworkInputs } from "../../core/network/network";

/** Tokens that tell as much as this many samples without positions: neighbouring tokens are alike, so a few more. */
const tokensPerSample = 3;

const positionsOf = (inputs: NetworkInputs): number => (inputs.kind === "tokens" ? inputs.positions : 1);

/** `most` samples, or so many that their positions are about as many; at least one. */
function limited(inputs: NetworkInputs, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil((tokensPerSample * most) / positionsOf(inputs))));
}

/**
 * Samples from which the edges in PCA coordinates are estimated for the graph; an ablation of PCA edges computes them from all
 * (ablationSession.ts). Without truncation PCA has several times the features of LIB, and would take most of a run.
 */
export const comparisonSamples = (inputs: NetworkInputs): number => limited(inputs, 500);

/** Samples that the Jacobian summaries of the heatmaps are taken over. */
export const jacobianSamples = (inputs: NetworkInputs): number => limited(inputs, 256);
