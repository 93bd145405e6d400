/** @file The transforms C and C_pinv of a layer from its two rotations (method sections 2.3, 2.5, 2.7), and the bases without a second rotation. */

import { transpose } from "../../linalg/arrange";
import { diagonal, identity, scaleColumns, scaleRows } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { LibOptions } from "../options";
import type { LayerStatistics } from "../statistics/statistics";
import type { GradientMoments } from "./gradientMoments";
import type { FeatureMap, LayerBasis } from "./layerBasis";
import { firstRotation, type FirstRotation, type PrincipalDirections } from "./pca";
import { secondRotation, type SecondRotation } from "./rotation";

/** M = R_pinv M' R_pinv^T [m, m]: the Jacobian Gram in whitened coordinates, R_pinv = D^1/2 W_pinv. */
function whitenedJacobianGram(rotation: FirstRotation, jacobianGram: Matrix): Matrix {
  const whiteningPinv = scaleRows(rotation.WPinv, rotation.D.map(Math.sqrt));
  return multiply(multiply(whiteningPinv, jacobianGram), whiteningPinv, { transposeB: true });
}

/** R_pinv Lambda' R [m, m]: the mean product of gradient and activation in whitened coordinates. */
function whitenedInteraction({ D, W, WPinv }: FirstRotation, interaction: Matrix): Matrix {
  const deviation = deviations(D);
  const inner = multiply(multiply(WPinv, interaction), W);
  return scaleColumns(scaleRows(inner, deviation), deviation.map((value) => 1 / value));
}

/** D^1/2; a masked direction without variance keeps the scale 1. */
const deviations = (D: Float64Array): Float64Array => D.map((value) => (value > 0 ? Math.sqrt(value) : 1));

/** C = R V Lambda^1/2 and C_pinv = Lambda^-1/2 V^T R_pinv; the small factors are multiplied first, C is formed at the end. */
function featureMap({ D, W, WPinv }: FirstRotation, { V, lambda }: SecondRotation): FeatureMap {
  // A constant without influence has Lambda 0 and keeps the scale 1.
  const scale = lambda.map((value) => (value > 0 ? Math.sqrt(value) : 1));
  const deviation = deviations(D);
  const intoFeatures = scaleColumns(scaleRows(V, deviation.map((value) => 1 / value)), scale);
  const outOfFeatures = scaleRows(scaleColumns(transpose(V), deviation), scale.map((value) => 1 / value));
  return { C: multiply(W, intoFeatures), CPinv: multiply(outOfFeatures, WPinv) };
}

/** Thresholds of the basis itself and of the PCA basis that is stored beside it for comparison. */
export type Thresholds = Pick<LibOptions, "threshold" | "pcaThreshold">;

/** LIB basis (formula `jacobian`). @param jacobianGram M' of the section that starts at this layer */
export function libBasis(
  statistics: LayerStatistics, directions: PrincipalDirections, jacobianGram: Matrix, thresholds: Thresholds, checkCancelled?: () => void,
): LayerBasis {
  const rotation = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const second = secondRotation(whitenedJacobianGram(rotation, jacobianGram), rotation.masked, thresholds.threshold, null, checkCancelled);
  return { ...pcaPart(statistics, directions, thresholds), V: second.V, lambda: second.lambda, ...featureMap(rotation, second) };
}

/** Basis of the older formulas `(1-0)*alpha` and `(1-alpha)^2`: directions from M', importance from Lambda'. */
export function gradientBasis(
  statistics: LayerStatistics, directions: PrincipalDirections, moments: GradientMoments, thresholds: Thresholds, checkCancelled?: () => void,
): LayerBasis {
  const rotation = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const M = whitenedJacobianGram(rotation, moments.gram);
  const second = secondRotation(M, rotation.masked, thresholds.threshold, whitenedInteraction(rotation, moments.interaction), checkCancelled);
  return { ...pcaPart(statistics, directions, thresholds), V: second.V, lambda: second.lambda, ...featureMap(rotation, second) };
}

/** PCA basis (formula `svd`): C = W, features sorted by variance and not scaled. */
export function pcaBasis(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): LayerBasis {
  const { D, W, WPinv } = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  return { ...pcaPart(statistics, directions, thresholds), V: null, lambda: D, C: W, CPinv: WPinv };
}

/** The neurons themselves: C = 1, Lambda = mean squared activation. */
export function neuronBasis(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): LayerBasis {
  const C = identity(statistics.gram.rows);
  return { ...pcaPart(statistics, directions, thresholds), masked: 0, V: null, lambda: diagonal(statistics.gram), C, CPinv: C };
}

/** What centring subtracts; null without. */
const shiftOf = ({ centered, mean }: LayerStatistics): Float64Array | null => (centered ? mean : null);

/** What every basis stores beside its own transforms. */
export function pcaPart(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): Omit<LayerBasis, "V" | "lambda" | "C" | "CPinv"> {
  const { D, U, masked } = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const { W, WPinv } = firstRotation(directions, shiftOf(statistics), thresholds.pcaThreshold);
  return { mean: statistics.mean, gram: statistics.gram, gramEigenvalues: directions.values, D, U, W, WPinv, masked };
}
