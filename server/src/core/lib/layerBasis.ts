/** @file The basis of one node layer: everything the method stores per layer (method section 2.5). Row vectors: features = f @ C. */

import type { Matrix } from "../linalg/matrix";

/** d: width of the node layer, m: directions kept by PCA, r: features kept by LIB. The constant comes first in all of them. */
export interface LayerBasis {
  /** mu [d]; all 0 but the constant without centring. */
  readonly mean: Float64Array;
  /** Gram G of the centred activations [d, d]. */
  readonly gram: Matrix;
  /** All d eigenvalues of G, constant first, then descending, clamped to 0. */
  readonly gramEigenvalues: Float64Array;
  /** The eigenvalues kept [m]. */
  readonly D: Float64Array;
  /** Kept eigenvectors [d, m]. */
  readonly U: Matrix;
  /** W = Y U [d, m]: centre, then rotate to principal directions. */
  readonly W: Matrix;
  /** U^T Y_inv [m, d]; WPinv W = 1. */
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

/** A transform into features and back; C null: the components themselves. */
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
  /** How the Jacobian Gram of the section that starts here was computed, and why; null when there was none. */
  readonly path: string | null;
}
