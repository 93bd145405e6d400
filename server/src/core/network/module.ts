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

/** Causal or full scaled dot-product attention with folded weights (method section 1.2); the key facts for closed forms. */
export interface AttentionShape {
  readonly heads: number;
  readonly queryWidth: number;
  /** d_head + 1: each head's value carries its own constant. */
  readonly valueWidth: number;
  /** Factor of the scores: 1/sqrt(d_head), or 1. */
  readonly scale: number;
  readonly causal: boolean;
  /** [heads * valueWidth, width of the residual stream] */
  readonly output: Matrix;
}

/** What a module is, for the recognition of section structures. */
export type ModuleStructure =
  | { readonly kind: "linear"; readonly terms: readonly LinearTerm[] }
  /** Acts on input 0 and hands the others on. */
  | { readonly kind: "activation"; readonly activation: ActivationFunction }
  /** Inputs q, k, v and others that are handed on. */
  | { readonly kind: "attention"; readonly attention: AttentionShape }
  | { readonly kind: "last-position" };

/** Result of a forward pass; `saved` is what the vector-Jacobian product needs. */
export interface ModuleRun {
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
