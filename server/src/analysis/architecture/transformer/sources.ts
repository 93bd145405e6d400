/** @file Where the weights of a transformer are in its checkpoint: tensor names, orientations, and which part of a fused tensor. */

import type { WeightOrder } from "../affineLayers";

/** One affine map. */
export interface AffineSource {
  readonly weight: string;
  readonly bias: string | null;
  readonly order: WeightOrder;
  /** Output units in order, as [first, count]; null takes all. */
  readonly units: readonly (readonly [number, number])[] | null;
  /** Weight and bias are multiplied by this. */
  readonly factor: number;
}

export interface NormSource {
  readonly gain: string;
  readonly bias: string | null;
}

export interface BlockSource {
  readonly attentionNorm: NormSource;
  readonly query: AffineSource;
  readonly key: AffineSource;
  readonly value: AffineSource;
  readonly output: AffineSource;
  readonly mlpNorm: NormSource;
  /** Of a gated MLP, else null. */
  readonly gate: AffineSource | null;
  readonly up: AffineSource;
  readonly down: AffineSource;
}

export interface TransformerSources {
  /** [vocabulary, width] */
  readonly tokens: string;
  /** [positions, width], or null without a table */
  readonly positions: string | null;
  readonly blocks: readonly BlockSource[];
  readonly finalNorm: NormSource;
  readonly unembed: AffineSource;
}

/** A whole tensor in the orientation of nn.Linear, or another one. */
export function affine(weight: string, bias: string | null, order: WeightOrder = "out,in", units: AffineSource["units"] = null, factor = 1): AffineSource {
  return { weight, bias, order, units, factor };
}
