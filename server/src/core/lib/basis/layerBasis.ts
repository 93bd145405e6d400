/** @file The basis of one node layer: everything the method stores per layer (method section 2.5). Row vectors: features = f @ C. */

import type { LayerBasisFacts } from "../../../protocol/result";
import type { Matrix } from "../../linalg/matrix";

/**
 * d: width of the node layer, p: directions of the PCA basis (threshold `pcaThreshold`), m: directions that the LIB basis starts from
 * (threshold `threshold`: the first m of the p), r: features kept by LIB. The constant comes first in all of them, then an isolated variance.
 */
export interface LayerBasis {
  /** Mean activation mu [d]; 1 at the constant. */
  readonly mean: Float64Array;
  /** Gram G of the (centred) activations [d, d]. */
  readonly gram: Matrix;
  /** All d eigenvalues of G, those of directions apart first (constant, variance of a norm), then descending, clamped to 0. */
  readonly gramEigenvalues: Float64Array;
  /** The eigenvalues above `threshold` [m]: m is the rank of the Gram. */
  readonly D: Float64Array;
  /** Their eigenvectors [d, m]. */
  readonly U: Matrix;
  /** PCA basis W = Y U [d, p]: centre, then rotate to principal directions. */
  readonly W: Matrix;
  /** U^T Y_inv [p, d]; WPinv W = 1. */
  readonly WPinv: Matrix;
  /** Second rotation [m, r]; identity columns for the masked features; null without one (PCA, neuron). */
  readonly V: Matrix | null;
  /** C [d, r]: features = f @ C. */
  readonly C: Matrix;
  /** Left inverse [r, d]: CPinv C = 1. */
  readonly CPinv: Matrix;
  /** Importance Lambda [r] = mean squared feature activation; masked features first, then descending. */
  readonly lambda: Float64Array;
  /** Leading features that are never truncated nor mixed: the constant (and the variance of a layer norm). */
  readonly masked: number;
}

/** A transform into features and back. */
export interface FeatureMap {
  readonly C: Matrix;
  readonly CPinv: Matrix;
}

export interface LayerResult {
  readonly index: number;
  readonly name: string;
  readonly width: number;
  /** null when the layer has no basis of its own (an un-rotated last layer). */
  readonly basis: LayerBasis | null;
  /** What the features are; null without a basis. */
  readonly facts: LayerBasisFacts | null;
  /** How the Jacobian Gram of the section that starts here was computed, and why; null when there was none. */
  readonly path: string | null;
}
