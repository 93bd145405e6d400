/** @file The basis of one node layer: everything the method stores per layer (method section 2.5). Row vectors: features = f @ C. */

import type { LayerBasisFacts } from "../../../protocol/result";
import type { Matrix } from "../../linalg/matrix";
import { shelved, type Shelf } from "../shelf";

/**
 * d: width of the node layer, p: directions of the PCA basis (threshold `pcaThreshold`), m: directions that the LIB basis starts from
 * (threshold `threshold`: the first m of the p), r: features kept by LIB. The constant comes first in all of them, then an isolated variance.
 * The matrices of a wide layer may lie on disk and be read whenever they are asked for (shelf.ts): ask once for what is used in a loop.
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
  /** PCA basis W = Y U [d, p] with the eigenvectors U of G: centre, then rotate to principal directions. */
  readonly W: Matrix;
  /** U^T Y_inv [p, d]; WPinv W = 1. */
  readonly WPinv: Matrix;
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

const matrixNames = ["gram", "W", "WPinv", "C", "CPinv"] as const;
type MatrixName = (typeof matrixNames)[number];

/** A basis whose matrices are formed, or fetched, whenever they are asked for. */
export function layerBasis(vectors: Omit<LayerBasis, MatrixName>, matrices: Readonly<Record<MatrixName, () => Matrix>>): LayerBasis {
  const { mean, gramEigenvalues, D, lambda, masked } = vectors;
  return {
    mean, gramEigenvalues, D, lambda, masked,
    get gram() { return matrices.gram(); },
    get W() { return matrices.W(); },
    get WPinv() { return matrices.WPinv(); },
    get C() { return matrices.C(); },
    get CPinv() { return matrices.CPinv(); },
  };
}

/** The same basis with its matrices on a shelf, put there one after the other. */
export function shelvedBasis(basis: LayerBasis, shelf: Shelf): LayerBasis {
  const kept = matrixNames.map((name) => [name, shelved(shelf, basis[name])] as const);
  return layerBasis(basis, Object.fromEntries(kept) as Record<MatrixName, () => Matrix>);
}
