/**
 * @file The Jacobian of a position-wise section at one token, as closed forms need it:
 *
 *   J = skip + sum_g L_g diag(s_g) R + sum_i (M_i l_i) (r_i R)        [d, d']
 *
 * with slopes s_g [h] and two vectors l_i [m_i], r_i [h] per rank-one term that depend on the token, and constant matrices. Gated MLPs
 * have two groups g; norms add the rank-one terms (method section 2.10). Linear in s and in the products of l and r, so integrated
 * Jacobians (method section 2.4) have the same form: every l is the same at all points of a line through 0.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { identity } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import { applyActivation, activationSlope, type ActivationFunction } from "../../../network/activationFunction";
import type { SectionStructure } from "../../../network/sectionStructure";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { IntegrationPoint } from "../../sources/integration";
import { integratedSlope } from "../hidden/slopes";
import { times, toTensor } from "../matrices";

export interface TokenForm {
  /** [d, d'] */
  readonly skip: Matrix;
  /** L_g [d, h] */
  readonly into: readonly Matrix[];
  /** R [h, d'] */
  readonly outOf: Matrix;
  /** M_i [d, m_i] */
  readonly leftMaps: readonly Matrix[];
  /** All neurons have the same slope, and there is one term: norms. */
  readonly uniformSlopes: boolean;
  /** Numbers that `evaluate` makes per token, temporaries included. */
  readonly valuesPerRow: number;
  prepare(engine: Engine): TokenEvaluator;
}

interface TokenEvaluator {
  /** @param x [n, d]; call inside `tidy`. */
  evaluate(x: Tensor, points: readonly IntegrationPoint[]): TokenJacobians;
  dispose(): void;
}

export interface TokenJacobians {
  /** s_g: [n, h], or [n, 1] when it is the same for the whole layer. */
  readonly slopes: readonly Tensor[];
  /** l_i [n, m_i] and r_i [n, h] */
  readonly terms: readonly { readonly left: Tensor; readonly right: Tensor }[];
}

/** A form between features. */
export interface FeatureForm {
  /** K [r, r'] */
  readonly skip: Matrix;
  /** L_g [r, h] */
  readonly into: readonly Matrix[];
  /** M_i [r, m_i] */
  readonly leftMaps: readonly Matrix[];
  /** R [h, r'] */
  readonly outOf: Matrix;
}

/** The form of a section seen from the features of its input, towards those of its output. */
export function betweenFeatures(form: TokenForm, { features, nextC }: Pick<EdgesTask, "features" | "nextC">): FeatureForm {
  const from = (a: Matrix): Matrix => multiply(features.CPinv, a);
  return {
    skip: times(from(form.skip), nextC),
    into: form.into.map(from),
    leftMaps: form.leftMaps.map(from),
    outOf: times(form.outOf, nextC),
  };
}

/** Sum over the points of weight times `at(alpha)`. */
export function integrated(engine: Engine, points: readonly IntegrationPoint[], at: (alpha: number) => Tensor): Tensor {
  return points
    .map(({ alpha, weight }) => {
      const value = at(alpha);
      return weight === 1 ? value : engine.affine(value, weight);
    })
    .reduce((sum, term) => engine.add(sum, term));
}

interface Layer {
  readonly into: Matrix;
  readonly activation: ActivationFunction;
  readonly outOf: Matrix;
  readonly skip: Matrix;
}

/** x skip + act(x into) outOf: one group of slopes. */
function layerForm({ into, activation, outOf, skip }: Layer): TokenForm {
  return {
    skip,
    into: [into],
    outOf,
    leftMaps: [],
    uniformSlopes: false,
    valuesPerRow: 4 * into.cols,
    prepare(engine) {
      const weights = toTensor(engine, into);
      return {
        evaluate: (x, points) => ({ slopes: [integratedSlope(engine, activation, engine.matMul(x, weights), points)], terms: [] }),
        dispose: () => engine.dispose(weights),
      };
    },
  };
}

export const mlpForm = ({ A, activation, B, skip }: Extract<SectionStructure, { kind: "mlp-skip" }>): TokenForm => (
  layerForm({ into: A, activation, outOf: B, skip })
);

export const neuronsForm = ({ W, activation }: Extract<SectionStructure, { kind: "affine-activation" }>): TokenForm => (
  layerForm({ into: W, activation, outOf: identity(W.cols), skip: matrix(W.rows, W.cols) })
);

type GatedMlp = Extract<SectionStructure, { kind: "gated-mlp-skip" }>;

/** act(x gate) ∘ (x up): slopes act'(x gate) ∘ (x up) through the gate and act(x gate) through the other side. */
export function gatedForm({ gate, up, activation, B, skip }: GatedMlp): TokenForm {
  return {
    skip,
    into: [gate, up],
    outOf: B,
    leftMaps: [],
    uniformSlopes: false,
    valuesPerRow: 8 * gate.cols,
    prepare(engine) {
      const weights = { gate: toTensor(engine, gate), up: toTensor(engine, up) };
      return {
        evaluate(x, points) {
          const [pre, other] = [engine.matMul(x, weights.gate), engine.matMul(x, weights.up)];
          const slopesAt = (alpha: number): Tensor => (
            engine.mul(activationSlope(engine, activation, engine.affine(pre, alpha)), engine.affine(other, alpha))
          );
          const valuesAt = (alpha: number): Tensor => applyActivation(engine, activation, engine.affine(pre, alpha));
          return { slopes: [integrated(engine, points, slopesAt), integrated(engine, points, valuesAt)], terms: [] };
        },
        dispose: () => engine.dispose(weights.gate, weights.up),
      };
    },
  };
}
