/** @file How many samples the parts of a run take that only serve the views: the comparison with PCA, and the heatmaps. */

import { hiddenSize } from "../../core/network/hostBytes";
import type { NetworkInputs } from "../../core/network/network";
import type { SectionedNetwork } from "../../core/network/section";

/** Tokens that tell as much as this many samples without positions: neighbouring tokens are alike, so a few more. */
const tokensPerSample = 3;

/** Operations that one of these parts may take: some ten seconds. */
const mostOperations = 2e12;

/** However wide the network is. */
const fewestSamples = 16;

const positionsOf = (inputs: NetworkInputs): number => (inputs.kind === "tokens" ? inputs.positions : 1);

/** Attention does as much as a layer with the values of all its heads. */
const neuronsOf = (section: SectionedNetwork["sections"][number]): number => {
  const { structure } = section;
  const attention = structure.kind === "norm-attention" ? structure.attention : structure;
  return attention.kind === "attention-skip" ? attention.heads.reduce((sum, { V }) => sum + V.cols, 0) : hiddenSize(section).neurons;
};

/** `most` samples, or so many that their positions are about as many; fewer in a wide network; at least one. */
function limited({ sections }: Pick<SectionedNetwork, "sections">, inputs: NetworkInputs, most: number): number {
  const positions = positionsOf(inputs);
  // Every feature of one side with every one of the other, through every neuron.
  const operations = sections.reduce((sum, section) => sum + 2 * section.inputWidth * neuronsOf(section) * section.outputWidth, 0);
  const affordable = Math.max(fewestSamples, mostOperations / Math.max(1, operations));
  return Math.max(1, Math.min(most, Math.ceil((tokensPerSample * most) / positions), Math.floor(affordable / positions)));
}

/**
 * Samples from which the edges in PCA coordinates are estimated for the graph; an ablation of PCA edges computes them from all
 * (ablationSession.ts). Without truncation PCA has several times the features of LIB, and would take most of a run.
 */
export const comparisonSamples = (network: Pick<SectionedNetwork, "sections">, inputs: NetworkInputs): number => limited(network, inputs, 500);

/** Samples that the Jacobian summaries of the heatmaps are taken over. */
export const jacobianSamples = (network: Pick<SectionedNetwork, "sections">, inputs: NetworkInputs): number => limited(network, inputs, 256);
