/** @file The transforms C and C_pinv of a layer from its two rotations (method sections 2.3, 2.5, 2.7), and the bases without a second rotation. */

import { transpose } from "../../linalg/arrange";
import { diagonal, identity, scaleColumns, scaleRows } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { LibOptions } from "../options";
import type { LayerStatistics } from "../statistics/statistics";
import type { GradientMoments } from "./gradientMoments";
import { layerBasis, type LayerBasis } from "./layerBasis";
import { firstRotation, type FirstRotation, type PrincipalDirections } from "./pca";
import { secondRotation, type SecondRotation, type WhitenedGram } from "./rotation";

/** M = R_pinv M' R_pinv^T [m, m]: the Jacobian Gram M' in whitened coordinates. */
export function whitenedGram(statistics: LayerStatistics, directions: PrincipalDirections, jacobianGram: Matrix, thresholds: Thresholds): WhitenedGram {
  const whitening = whiteningPinv(statistics, directions, thresholds);
  return { whole: multiply(multiply(whitening, jacobianGram), whitening, { transposeB: true }) };
}

/** R_pinv A [m, k], the factor of the same from a factor A [d, k] of M'. */
export function whitenedFactor(statistics: LayerStatistics, directions: PrincipalDirections, factor: Matrix, thresholds: Thresholds): WhitenedGram {
  return { factor: multiply(whiteningPinv(statistics, directions, thresholds), factor) };
}

/** R_pinv = D^1/2 W_pinv [m, d] */
function whiteningPinv(statistics: LayerStatistics, directions: PrincipalDirections, { threshold }: Thresholds): Matrix {
  const rotation = firstRotation(directions, shiftOf(statistics), threshold);
  return scaleRows(rotation.WPinv(), rotation.D.map(Math.sqrt));
}

/** R_pinv Lambda' R [m, m]: the mean product of gradient and activation in whitened coordinates. */
function whitenedInteraction({ D, W, WPinv }: FirstRotation, interaction: Matrix): Matrix {
  const deviation = deviations(D);
  const inner = multiply(multiply(WPinv(), interaction), W());
  return scaleColumns(scaleRows(inner, deviation), deviation.map((value) => 1 / value));
}

/** D^1/2; a masked direction without variance keeps the scale 1. */
const deviations = (D: Float64Array): Float64Array => D.map((value) => (value > 0 ? Math.sqrt(value) : 1));

/** C = R V Lambda^1/2 and C_pinv = Lambda^-1/2 V^T R_pinv, each formed when it is asked for; the small factors are multiplied first. */
function rotated({ D, W, WPinv }: FirstRotation, { V, lambda }: SecondRotation): OwnPart {
  // A constant without influence has Lambda 0 and keeps the scale 1.
  const scale = lambda.map((value) => (value > 0 ? Math.sqrt(value) : 1));
  const deviation = deviations(D);
  return {
    lambda,
    C: () => multiply(W(), scaleColumns(scaleRows(V, deviation.map((value) => 1 / value)), scale)),
    CPinv: () => multiply(scaleRows(scaleColumns(transpose(V), deviation), scale.map((value) => 1 / value)), WPinv()),
  };
}

/** Thresholds of the basis itself and of the PCA basis that is stored beside it for comparison. */
export type Thresholds = Pick<LibOptions, "threshold" | "pcaThreshold">;

/** LIB basis (formula `jacobian`). @param M of `whitenedGram` or `whitenedFactor`, from M' of the section that starts at this layer */
export function libBasis(
  statistics: LayerStatistics, directions: PrincipalDirections, M: WhitenedGram, thresholds: Thresholds, checkCancelled?: () => void,
): LayerBasis {
  const rotation = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const second = secondRotation(M, rotation.masked, thresholds.threshold, null, checkCancelled);
  return basisBesidePca(statistics, directions, thresholds, rotated(rotation, second));
}

/** Basis of the older formulas `(1-0)*alpha` and `(1-alpha)^2`: directions from M', importance from Lambda'. */
export function gradientBasis(
  statistics: LayerStatistics, directions: PrincipalDirections, moments: GradientMoments, thresholds: Thresholds, checkCancelled?: () => void,
): LayerBasis {
  const rotation = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const M = whitenedGram(statistics, directions, moments.gram, thresholds);
  const second = secondRotation(M, rotation.masked, thresholds.threshold, whitenedInteraction(rotation, moments.interaction), checkCancelled);
  return basisBesidePca(statistics, directions, thresholds, rotated(rotation, second));
}

/** PCA basis (formula `svd`): C = W, features sorted by variance and not scaled. */
export function pcaBasis(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): LayerBasis {
  const { D, W, WPinv } = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  return basisBesidePca(statistics, directions, thresholds, { lambda: D, C: W, CPinv: WPinv });
}

/** The neurons themselves: C = 1, Lambda = mean squared activation. */
export function neuronBasis(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): LayerBasis {
  const { gram } = statistics;
  const own = (): Matrix => identity(gram.rows);
  return basisBesidePca(statistics, directions, thresholds, { masked: 0, lambda: diagonal(gram), C: own, CPinv: own });
}

/** What centring subtracts; null without. */
const shiftOf = ({ centered, mean }: LayerStatistics): Float64Array | null => (centered ? mean : null);

/** What every basis stores beside its own transforms. */
interface PcaPart extends Pick<LayerBasis, "mean" | "gramEigenvalues" | "D" | "masked"> {
  gram(): Matrix;
  W(): Matrix;
  WPinv(): Matrix;
}

function pcaPart(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds): PcaPart {
  const { D, masked } = firstRotation(directions, shiftOf(statistics), thresholds.threshold);
  const { W, WPinv } = firstRotation(directions, shiftOf(statistics), thresholds.pcaThreshold);
  const { mean } = statistics;
  return { mean, gram: () => statistics.gram, gramEigenvalues: directions.values, D, W, WPinv, masked };
}

/** What a basis has of its own. */
interface OwnPart extends Pick<LayerBasis, "lambda"> {
  readonly masked?: number;
  C(): Matrix;
  CPinv(): Matrix;
}

/** Its matrices are formed whenever they are asked for: a shelf (shelf.ts) takes one after the other. */
export function basisBesidePca(statistics: LayerStatistics, directions: PrincipalDirections, thresholds: Thresholds, own: OwnPart): LayerBasis {
  const part = pcaPart(statistics, directions, thresholds);
  return layerBasis({ ...part, ...own, masked: own.masked ?? part.masked }, { ...part, ...own });
}
