/**
 * @file A module: one step of a network with its forward pass and its vector-Jacobian product.
 *
 * Shapes. Activations are [B, S, d] (samples, positions, width; S = 1 without positions). A cotangent carries an extra
 * source axis, [B, R, T, d]: R vectors per sample go backwards together as one matrix product, there is no tape.
 * A cotangent's sample axis may be 1 while it is the same for all samples; modules whose Jacobian depends on the sample
 * widen it.
 */

import type { Tensor } from "../../engine/engine";
import type { Matrix } from "../linalg/matrix";
import type { ActivationFunction } from "./activationFunction";

/** One term of a linear module: output `to` receives input `from` times `weight` (identity when null). */
export interface LinearTerm {
  readonly from: number;
  readonly to: number;
  /** [input width, output width], row vectors from the left. */
  readonly weight: Matrix | null;
}

/**
 * Rotary positions: each pair (a, b) of the first `dimensions` components of a head's query and key is turned by the angle
 * position * frequency of the pair: (a cos - b sin, b cos + a sin). The other components are left as they are.
 */
export interface RotaryShape {
  /** Even; at most the head width. */
  readonly dimensions: number;
  /** Pair i of n has the frequency base^(-i / n). */
  readonly base: number;
  /** Pair i is made of components 2i and 2i + 1 ("adjacent"), or i and i + dimensions / 2 ("halves"). */
  readonly pairing: "adjacent" | "halves";
  readonly scaling: RotaryScaling | null;
}

/** How frequencies are lowered for contexts longer than the one of pre-training. */
export type RotaryScaling =
  /** All frequencies divided by the factor. */
  | { readonly kind: "linear"; readonly factor: number }
  /**
   * With n = original positions * frequency / (2 pi) turns: pairs below `lowFrequencyFactor` turns are divided by the factor, pairs
   * above `highFrequencyFactor` are kept, and those between are interpolated.
   */
  | {
    readonly kind: "llama3"; readonly factor: number; readonly lowFrequencyFactor: number;
    readonly highFrequencyFactor: number; readonly originalPositions: number;
  };

/** Dot-product attention with folded weights (method section 1.2); the key facts for closed forms. */
export interface AttentionShape {
  readonly heads: number;
  /** Query head h reads keys and values of group floor(h * keyValueHeads / heads); equal to `heads` without grouping. */
  readonly keyValueHeads: number;
  readonly queryWidth: number;
  /** d_head + 1: each head's value carries its own constant. */
  readonly valueWidth: number;
  /** Factor of the scores: 1/sqrt(d_head), or 1. */
  readonly scale: number;
  readonly causal: boolean;
  /** Position t reads positions s with |t - s| < window only; null reads all (that are not later, when causal). */
  readonly window: number | null;
  /** Turns queries and keys inside the module: those that enter it are not yet turned. */
  readonly rotary: RotaryShape | null;
  /** [heads * valueWidth, width of the residual stream] */
  readonly output: Matrix;
}

/** Layer norm or RMS norm without parameters; the last component, the constant 1, is left out and passed through (method section 1.5). */
export interface NormShape {
  /** RMS norm has the mean square in place of the variance, and subtracts no mean. */
  readonly kind: "layer-norm" | "rms-norm";
  /** Added to the variance under the root. */
  readonly epsilon: number;
}

/** What a module is, for the recognition of section structures. */
type ModuleStructure =
  | { readonly kind: "linear"; readonly terms: readonly LinearTerm[] }
  /** Acts on input 0 and hands the others on. */
  | { readonly kind: "activation"; readonly activation: ActivationFunction }
  /** act(input 0) * input 1; hands the others on. */
  | { readonly kind: "gated-activation"; readonly activation: ActivationFunction }
  /** First half of a norm: outputs the variance [.., 1] of input `source`, that input, then the other inputs in order. */
  | { readonly kind: "norm-variance"; readonly norm: NormShape; readonly source: number }
  /** Second half: inputs variance [.., 1], x, others; outputs y = (x - mean) / sqrt(variance + epsilon), then x if `keepsInput`, then the others. */
  | { readonly kind: "norm-divide"; readonly norm: NormShape; readonly keepsInput: boolean }
  /** Inputs q [.., heads * queryWidth], k [.., keyValueHeads * queryWidth], v [.., keyValueHeads * valueWidth] and others that are handed on. */
  | { readonly kind: "attention"; readonly attention: AttentionShape }
  /** Every input at its last position. */
  | { readonly kind: "last-position" };

/** Result of a forward pass; `saved` is what the vector-Jacobian product needs. */
interface ModuleRun {
  readonly outputs: readonly Tensor[];
  readonly saved: readonly Tensor[];
}

export interface Module {
  /** Name as in the method, for example `layers.1`, `mlp_in.0`. */
  readonly id: string;
  /** Widths of the tensors that enter: together the node layer of the same name. */
  readonly inputWidths: readonly number[];
  readonly outputWidths: readonly number[];
  readonly structure: ModuleStructure;
  /** [B, S, d] per input -> [B, T, d'] per output. */
  forward(inputs: readonly Tensor[]): ModuleRun;
  /** Cotangents of the outputs [B, R, T, d'] -> cotangents of the inputs [B, R, S, d], at the point of the forward pass. */
  vjp(saved: readonly Tensor[], cotangents: readonly Tensor[]): Tensor[];
}
