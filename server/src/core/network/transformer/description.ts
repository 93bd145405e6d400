/**
 * @file A transformer of any family: what it is (TransformerDescription) and its parameters (TransformerWeights), before folding.
 * Every file layout is mapped onto these two; `buildTransformer` knows no file layout.
 *
 * A block, x [.., d] the residual stream, norm1 and norm2 the identity without normalisation:
 *   sequential: m = x + attention(norm1(x));  y = m + mlp(norm2(m))
 *   parallel:   y = x + attention(norm1(x)) + mlp(norm2(x))
 */

import type { ActivationName, Family } from "../../../protocol/spec";
import type { Matrix } from "../../linalg/matrix";
import type { NormShape, RotaryShape } from "../module";

export interface TransformerDescription {
  readonly family: Family;
  /** Null: the blocks and the end of the network have no norms. */
  readonly normalization: NormShape | null;
  /** A norm between the last block and the unembedding; nothing without `normalization`. */
  readonly finalNorm: boolean;
  readonly positions: TransformerPositions;
  readonly blockOrder: "sequential" | "parallel";
  readonly attention: {
    readonly heads: number;
    /** A divisor of `heads`, and equal to it without grouping: query head h reads keys and values of group floor(h * keyValueHeads / heads). */
    readonly keyValueHeads: number;
    readonly headWidth: number;
    /** Scores are divided by sqrt(headWidth). */
    readonly scaled: boolean;
    readonly causal: boolean;
    /** Per block: position t reads positions s with |t - s| < window only; null reads all. One entry per block, or none at all. */
    readonly windows: readonly (number | null)[];
  };
  readonly mlp: {
    /** act(x gate) * (x up) in place of act(x up). */
    readonly gated: boolean;
    readonly activation: ActivationName;
    /** leaky_relu only. */
    readonly negativeSlope?: number;
  };
  /** `add_resid1` (of the last block) or `add_resid1.b`: after it only the last position is kept; null keeps all. */
  readonly lastPositionOnly: string | null;
}

export type TransformerPositions =
  /** A table of vectors, `TransformerWeights.positions`, added to those of the tokens. */
  | { readonly kind: "learned" }
  /** Queries and keys are turned; `context` is the largest number of positions. */
  | { readonly kind: "rotary"; readonly rotary: RotaryShape; readonly context: number }
  | { readonly kind: "none"; readonly context: number };

/** y = x weight + bias, row vectors from the left. */
export interface AffineWeights {
  /** [in, out] */
  readonly weight: Matrix;
  /** [out] */
  readonly bias: ArrayLike<number> | null;
}

/** norm(x) * gain + bias, each [d]. */
export interface NormWeights {
  readonly gain: ArrayLike<number> | null;
  readonly bias: ArrayLike<number> | null;
}

/** Heads stand side by side: head h of the query has columns h * headWidth to (h + 1) * headWidth, that of the output these rows. */
export interface TransformerBlockWeights {
  readonly attentionNorm: NormWeights;
  /** [d, heads * headWidth] */
  readonly query: AffineWeights;
  /** [d, keyValueHeads * headWidth] */
  readonly key: AffineWeights;
  readonly value: AffineWeights;
  /** [heads * headWidth, d] */
  readonly output: AffineWeights;
  readonly mlpNorm: NormWeights;
  /** [d, hidden]; null without gate. */
  readonly gate: AffineWeights | null;
  /** [d, hidden] */
  readonly up: AffineWeights;
  /** [hidden, d] */
  readonly down: AffineWeights;
}

export interface TransformerWeights {
  /** [vocabulary, d] */
  readonly tokens: Matrix;
  /** [context, d]; null without learned positions. */
  readonly positions: Matrix | null;
  readonly blocks: number;
  /** Asked for once per block, so that the double-precision copies of one block only are alive while the network is built. */
  readonly block: (index: number) => TransformerBlockWeights;
  readonly finalNorm: NormWeights;
  /** [d, outputs] */
  readonly unembed: AffineWeights;
  /** Parameters before folding, shared ones (tied embeddings) once. */
  readonly parameterCount: number;
}
