/**
 * @file Norms, and MLPs behind a norm, as token forms (method section 2.10). With u = x into, H the centring projector of layer norm
 * (identity for RMS norm, 0 at the constant in both), h = u H, d components without the constant, s = sqrt(v + epsilon):
 *
 *   first half     dv = 2/d h du^T
 *   second half    dy = du H / s - dv h / (2 s^3)             (no second term where v < 0 was raised to 0)
 *   whole          dy = du H / s - (du h^T) h / (d s^3)
 *
 * At alpha x the first half has alpha h, the second half v alpha, the whole v alpha^2: h keeps its direction.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import { activationSlope, applyActivation } from "../../../network/activationFunction";
import { columns, rows } from "../../../network/linearRuns";
import type { NormShape } from "../../../network/module";
import type { Norm, NormMlp } from "../../../network/normStructure";
import type { IntegrationPoint } from "../../sources/integration";
import { toTensor } from "../matrices";
import { integrated, type TokenForm } from "./tokenForm";

/** A norm at n tokens. */
interface NormValues {
  /** h [n, w] */
  readonly offsets: Tensor;
  /** Constant of u [n, 1] */
  readonly constant: Tensor;
  /** 1 / s at alpha x [n, 1] */
  rate(alpha: number): Tensor;
  /** Factor of the rank-one term at alpha x, [n, 1]: that of h (whole) or of dv (second half), times h. */
  fall(alpha: number): Tensor;
}

interface NormEvaluator {
  evaluate(x: Tensor): NormValues;
  dispose(): void;
}

/** H [w, w] */
function centring({ kind }: NormShape, width: number): Matrix {
  const d = width - 1;
  const result = matrix(width, width);
  const mean = kind === "layer-norm" ? 1 / d : 0;
  for (let row = 0; row < d; row += 1) for (let col = 0; col < d; col += 1) result.data[row * width + col] = (row === col ? 1 : 0) - mean;
  return result;
}

function normEvaluator(engine: Engine, { norm, half, into, variance }: Omit<Norm, "kind" | "outOf" | "skip">): NormEvaluator {
  const width = into.cols;
  const d = width - 1;
  const weights = [multiply(into, centring(norm, width)), columns(into, d, width), ...(variance ? [variance] : [])].map((part) => toTensor(engine, part));
  return {
    evaluate(x) {
      const [offsets, constant] = weights.map((weight) => engine.matMul(x, weight));
      const v = variance ? engine.matMul(x, weights[2]) : engine.affine(engine.sum(engine.square(offsets), [1], true), 1 / d);
      const power = half === "whole" ? 2 : 1;
      const rate = (alpha: number): Tensor => {
        const shifted = engine.affine(engine.maximum(v, 0), alpha ** power, norm.epsilon);
        return engine.div(engine.affine(shifted, 0, 1), engine.sqrt(shifted));
      };
      return {
        offsets,
        constant,
        rate,
        fall: (alpha) => {
          const once = rate(alpha);
          const cube = engine.mul(engine.square(once), once);
          if (half === "whole") return engine.affine(cube, -(alpha ** 2) / d);
          return engine.affine(engine.mul(cube, engine.activationDerivative("relu", v)), -alpha / 2);
        },
      };
    },
    dispose: () => engine.dispose(...weights),
  };
}

/** l of the norm's own term: h for a whole norm, 1 for the variance that enters a second half. */
const leftOf = (engine: Engine, half: Norm["half"], { offsets, constant }: NormValues): Tensor => (half === "divide" ? engine.affine(constant, 0, 1) : offsets);

/** The equations at the top of this file, with skip and outOf of the section around the norm. */
export function normForm(structure: Norm): TokenForm {
  const { half, norm, into, variance, outOf, skip } = structure;
  const width = into.cols;
  const isFirstHalf = half === "variance";
  return {
    skip,
    into: [isFirstHalf ? matrix(into.rows, 1) : multiply(into, centring(norm, width))],
    outOf,
    leftMaps: [variance ?? into],
    uniformSlopes: true,
    valuesPerRow: 8 * width,
    prepare(engine) {
      const evaluator = normEvaluator(engine, structure);
      return {
        evaluate(x, points) {
          const values = evaluator.evaluate(x);
          const left = leftOf(engine, half, values);
          if (isFirstHalf) {
            const slope = points.reduce((sum, { alpha, weight }) => sum + weight * alpha, 0) * (2 / (width - 1));
            const nothing = engine.affine(values.constant, 0);
            return { slopes: [nothing], terms: [{ left, right: engine.affine(nothing, 1, slope) }] };
          }
          return {
            slopes: [integrated(engine, points, (alpha) => values.rate(alpha))],
            terms: [{ left, right: engine.mul(integrated(engine, points, (alpha) => values.fall(alpha)), values.offsets) }],
          };
        },
        dispose: () => evaluator.dispose(),
      };
    },
  };
}

/** Pre-activations alpha (h A / s + constant a), a the row of A that the constant meets; their slopes meet the norm's Jacobian from behind. */
export function normMlpForm(structure: NormMlp): TokenForm {
  const { half, norm, into, variance, A, up, activation, outOf, skip } = structure;
  const width = into.cols;
  const sides = up ? [A, up] : [A];
  const projected = multiply(into, centring(norm, width));
  return {
    skip,
    into: sides.map((side) => multiply(projected, side)),
    outOf,
    leftMaps: [variance ?? into, columns(into, width - 1, width)],
    uniformSlopes: false,
    valuesPerRow: 6 * width + 14 * A.cols,
    prepare(engine) {
      const evaluator = normEvaluator(engine, structure);
      const weights = sides.map((side) => toTensor(engine, side));
      const constants = sides.map((side) => toTensor(engine, rows(side, width - 1, width)));
      return {
        evaluate(x, points) {
          const values = evaluator.evaluate(x);
          const normed = weights.map((weight) => engine.matMul(values.offsets, weight));
          const shifts = constants.map((row) => engine.matMul(values.constant, row));
          const at = points.map((point) => layerAt(engine, point, values, normed, shifts));
          const total = (parts: Tensor[]): Tensor => parts.reduce((sum, part) => engine.add(sum, part));
          return {
            slopes: sides.map((_, side) => total(at.map(({ slopes, rate }) => engine.mul(slopes[side], rate)))),
            terms: [
              {
                left: leftOf(engine, half, values),
                right: total(at.map(({ slopes, fall }) => engine.mul(fall, total(slopes.map((slope, side) => engine.mul(slope, normed[side])))))),
              },
              {
                left: engine.affine(values.constant, 0, 1),
                right: total(at.map(({ slopes }) => total(slopes.map((slope, side) => engine.mul(slope, constants[side]))))),
              },
            ],
          };
        },
        dispose: () => {
          evaluator.dispose();
          engine.dispose(...weights, ...constants);
        },
      };
    },
  };

  /** Weighted slopes of the layer at one point. */
  function layerAt(engine: Engine, { alpha, weight }: IntegrationPoint, values: NormValues, normed: Tensor[], shifts: Tensor[]): {
    slopes: Tensor[]; rate: Tensor; fall: Tensor;
  } {
    const rate = values.rate(alpha);
    const pre = normed.map((side, index) => engine.affine(engine.add(engine.mul(side, rate), shifts[index]), alpha));
    const slope = activationSlope(engine, activation, pre[0]);
    const slopes = pre.length === 1 ? [slope] : [engine.mul(slope, pre[1]), applyActivation(engine, activation, pre[0])];
    return { slopes: slopes.map((each) => engine.affine(each, weight)), rate, fall: values.fall(alpha) };
  }
}
