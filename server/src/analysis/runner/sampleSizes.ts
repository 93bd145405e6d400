/** @file How many samples the parts of a run take that only serve the views: the comparison with PCA, and the heatmaps. */

import { edgePairsCost, momentPairsCost } from "../../core/lib/plans/pairCost";
import { hiddenSize } from "../../core/network/hostBytes";
import type { NetworkInputs } from "../../core/network/network";
import type { Section, SectionedNetwork } from "../../core/network/section";

/** Tokens that tell as much as this many samples without positions: neighbouring tokens are alike, so a few more. */
const tokensPerSample = 3;

/** Operations that one of these parts may take: some ten seconds. */
const mostOperations = 2e12;

/** However wide the network is. */
const fewestSamples = 16;

/** However costly pairs of positions are: shorter texts are unlike the ones that a network was trained on. */
const fewestPositions = 64;

/** Part of the data: the first positions of some samples. */
interface SampleSize {
  readonly samples: number;
  /** 1 without positions. */
  readonly positions: number;
}

const positionsOf = (inputs: NetworkInputs): number => (inputs.kind === "tokens" ? inputs.positions : 1);

/** Attention does as much as a layer with the values of all its heads. */
const neuronsOf = (section: Section): number => {
  const { structure } = section;
  const attention = structure.kind === "norm-attention" ? structure.attention : structure;
  return attention.kind === "attention-skip" ? attention.heads.reduce((sum, { V }) => sum + V.cols, 0) : hiddenSize(section).neurons;
};

/** Operations per position of a sample. @param pairsCost multiplications of a sample's pairs of positions */
const operationsOf = ({ sections }: SectionedNetwork, positions: number, pairsCost: typeof momentPairsCost): number => sections.reduce((sum, section) => (
  // Every feature of one side with every one of the other, through every neuron.
  sum + 2 * section.inputWidth * neuronsOf(section) * section.outputWidth + (2 * pairsCost(section, positions)) / positions
), 0);

/** `most` samples, or so many that their positions are about as many; fewer in a wide network and for long samples through attention; at least one. */
function limited(network: SectionedNetwork, positions: number, most: number, pairsCost: typeof momentPairsCost): number {
  const affordable = Math.max(fewestSamples, mostOperations / Math.max(1, operationsOf(network, positions, pairsCost)));
  return Math.max(1, Math.min(most, Math.ceil((tokensPerSample * most) / positions), Math.floor(affordable / positions)));
}

/**
 * Samples from which the edges in PCA coordinates are estimated for the graph; an ablation of PCA edges computes them from all
 * (ablationSession.ts). Without truncation PCA has several times the features of LIB, and would take most of a run.
 */
export const comparisonSamples = (network: SectionedNetwork, inputs: NetworkInputs): number => limited(network, positionsOf(inputs), 500, edgePairsCost);

/** What the Jacobian summaries of the heatmaps are taken over: where one sample is too much, first positions of samples, if none of them reads a later one. */
export function jacobianSample(network: SectionedNetwork, inputs: NetworkInputs): SampleSize {
  let positions = positionsOf(inputs);
  const tooMuch = (): boolean => positions * operationsOf(network, positions, momentPairsCost) > mostOperations;
  if (readsBackwards(network)) while (positions > fewestPositions && tooMuch()) positions = Math.max(fewestPositions, Math.ceil(positions / 2));
  return { samples: limited(network, positions, 256, momentPairsCost), positions };
}

/** The first positions of a sample are then a sample by themselves. */
const readsBackwards = ({ network }: SectionedNetwork): boolean => network.modules.every(({ structure }) => (
  structure.kind !== "last-position" && (structure.kind !== "attention" || structure.attention.causal)
));
