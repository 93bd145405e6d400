/** @file What a finished (or partly finished) analysis is: the metadata of a `.libresult` file and its tensors' names. */

import type { AnalysisSpec, BasisFormula, Precision } from "./spec";

export type BackendName = "tensorflow" | "webgpu" | "wasm" | "cpu";
export type BasisName = "lib" | "pca" | "neuron";

/** What the features of a node layer are. */
export interface LayerBasisFacts {
  /** The formula they were found by; "svd" for a rotated last layer, "imported" for a basis from a file. */
  formula: BasisFormula | "imported";
  /** Jacobians went to the last node layer instead of the next one. */
  global: boolean;
  /** Features of their own whatever their importance, in this order before all others. */
  apart: ("constant" | "variance")[];
  /** Where an imported basis comes from, and the place in the file of every feature after those apart. */
  imported?: { source: string; order: number[] };
}

/** One node layer after its basis is known. */
export interface LayerSummary {
  index: number;
  name: string;
  /** Width d of the node layer, constant component(s) included. */
  dimension: number;
  /** Features kept by LIB (constant first); 0 when the layer has no basis of its own (un-rotated output). */
  kept: number;
  /** Importance of every kept feature, those apart first (constant, variance of a norm), then descending; empty without a basis. */
  lambda: number[];
  /** Eigenvalues of the centred Gram, those apart first, then descending (the PCA spectrum). */
  gramEigenvalues: number[];
  /** Rank of the centred Gram at the relative threshold. */
  gramRank: number;
  /** What the features stand for, null where nobody has said; from the labels file beside the spec, not stored in the result. */
  labels?: (string | null)[];
  /** What the features are; absent without a basis. */
  basis?: LayerBasisFacts;
  /** Exact path that gave the Jacobian Gram of the section that starts here, and why the planner took it. */
  path?: string;
  /** Features that keep the score, this and every larger number of them (method 4.2), counted as `evaluation.needed` says. Only in a finished result. */
  needed?: number;
}

/** The strongest edges of one section, sorted by weight, descending. Entry k goes from feature `source[k]` to `target[k]`. */
export interface EdgeList {
  source: number[];
  target: number[];
  weight: number[];
}

/** The piece of network between two node layers after its edges are known. */
export interface SectionSummary {
  index: number;
  from: string;
  to: string;
  /** [features of `to`, features of `from`], constant feature included. */
  shape: [number, number];
  /** Sum of the sizes of all edges except the column of the constant feature. */
  total: number;
  /** Strongest edges; column 0 (from the constant) included. Complete unless `truncated`. */
  edges: EdgeList;
  /** Number of edges left out of `edges`, and the weight of the strongest of them. */
  truncated: { count: number; largest: number };
  /** Exact path that gave the edges, and why the planner took it. */
  path?: string;
}

/** Where the analysed numbers come from; enough to run the analysis again. */
export interface ResultMetadata {
  format: "lib-lens-result";
  version: 1;
  key: string;
  algorithmVersion: number;
  createdAt: string;
  complete: boolean;
  model: { path: string; sha256: string; family: string; parameters: number };
  spec: AnalysisSpec;
  backend: { name: BackendName; description: string };
  /** Every backend that worked on it, in order, when one failed on the way; the last one is `backend`. */
  backends?: { name: BackendName; description: string }[];
  precision: Precision;
  samples: number;
  seconds: number;
  phases: Record<string, number>;
  /** Estimate of the memory that the run takes, in bytes, made before it starts. */
  memoryBytes?: number;
  layers: LayerSummary[];
  sections: SectionSummary[];
  evaluation?: {
    metric: "accuracy" | "ce-loss"; base: number; samples: number;
    /** How `needed` of the layers was counted: loss of score that counts as kept, and on how many of the samples, taken evenly. */
    needed?: { tolerance: number; samples: number };
  };
  /** Warnings to show: what was ignored, guessed or reduced. */
  notes: string[];
}

/** A section without its list of edges, which `lib/edges` gives. */
interface SectionOutline extends Omit<SectionSummary, "edges"> {
  /** The strongest edges of the most important features, for a hover: a few of each, sorted by weight, none to the constant feature. */
  strongest: EdgeList;
}

/** A result without its long lists of edges. */
export interface ResultOutline extends Omit<ResultMetadata, "sections"> { sections: SectionOutline[] }

/** What a list of results shows: without edges, spectra and labels. */
export interface ResultHeading extends Omit<ResultMetadata, "layers" | "sections"> {
  layers: Omit<LayerSummary, "lambda" | "gramEigenvalues" | "labels">[];
  sections: Omit<SectionSummary, "edges">[];
}

/**
 * Tensors of a `.libresult` (safetensors). Row-vector convention: features = activations @ C.
 *
 *   mean/<layer> [d]            gram/<layer> [d,d]          lambda/<layer> [r]
 *   C/<layer> [d,r]             CPinv/<layer> [r,d]         W/<layer> [d,m]        WPinv/<layer> [m,d]
 *   edges/<section> [out,in]    edges-pca/<section> [out,in]   (between PCA features; an estimate from about 500 samples, for the graph)
 *   jacobian/<basis>/<section> [out,in]       mean of the Jacobian over the sample, signed
 *   jacobian-rms/<basis>/<section> [out,in]   root mean square over the sample
 *
 * <layer> and <section> are indices, float64 for bases, float32 for edges and Jacobians.
 */
export const resultTensorName = {
  mean: (layer: number): string => `mean/${layer}`,
  gram: (layer: number): string => `gram/${layer}`,
  lambda: (layer: number): string => `lambda/${layer}`,
  C: (layer: number): string => `C/${layer}`,
  CPinv: (layer: number): string => `CPinv/${layer}`,
  W: (layer: number): string => `W/${layer}`,
  WPinv: (layer: number): string => `WPinv/${layer}`,
  edges: (section: number): string => `edges/${section}`,
  edgesPca: (section: number): string => `edges-pca/${section}`,
  jacobian: (basis: BasisName, section: number): string => `jacobian/${basis}/${section}`,
  jacobianRms: (basis: BasisName, section: number): string => `jacobian-rms/${basis}/${section}`,
} as const;
