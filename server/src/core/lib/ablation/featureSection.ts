/**
 * @file A section seen from its features: f_hat restricted to some features -> f_hat @ CPinv -> section -> @ C of the next layer,
 * of which some features are read. Where the structure is known the transforms are multiplied into the weights, so that few
 * features cost little: ablations run a section many times with a handful of features each.
 */

import type { Tensor } from "../../../engine/engine";
import { identity } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { applyActivation } from "../../network/activationFunction";
import type { Section } from "../../network/section";
import { toTensor } from "../closedForms/matrices";
import { everyAttention, lastAttention } from "./attentionFeatures";
import { chosen, part, times } from "./chosenFeatures";
import { asActivations, asPositionRows, type FeatureBatch } from "./layerFeatures";

export interface FeatureSection {
  /** [r, r']: the whole section when it is linear, else null. */
  readonly linear: Matrix | null;
  /**
   * Output features (all when null) computed from the chosen input features only, position after position: [T B, number of outputs].
   * No input features means the zero vector. Call inside `tidy`.
   */
  apply(batch: FeatureBatch, inputs: readonly number[], outputs: readonly number[] | null): Tensor;
}

/**
 * @param CPinv [r, d] of the section's input layer
 * @param nextC [d', r'] of its output layer; null: the components themselves
 */
export function featureSection(section: Section, CPinv: Matrix, nextC: Matrix | null): FeatureSection {
  const { engine, structure } = section;
  const into = (weight: Matrix): Matrix => multiply(CPinv, weight);
  const outOf = (weight: Matrix): Matrix => (nextC ? multiply(weight, nextC) : weight);
  switch (structure.kind) {
    case "affine": {
      const linear = outOf(into(structure.W));
      return {
        linear,
        apply: (batch, inputs, outputs) => times(engine, chosen(engine, batch.features, inputs), part(linear, inputs, outputs)),
      };
    }
    case "affine-activation": {
      const W = into(structure.W);
      const C = nextC ?? identity(structure.W.cols);
      return {
        linear: null,
        apply: (batch, inputs, outputs) => {
          const hidden = applyActivation(engine, structure.activation, times(engine, chosen(engine, batch.features, inputs), part(W, inputs, null)));
          return nextC || outputs ? engine.matMul(hidden, toTensor(engine, part(C, null, outputs))) : hidden;
        },
      };
    }
    case "mlp-skip": {
      const A = into(structure.A);
      const B = outOf(structure.B);
      const skip = outOf(into(structure.skip));
      return {
        linear: null,
        apply: (batch, inputs, outputs) => {
          const features = chosen(engine, batch.features, inputs);
          const hidden = applyActivation(engine, structure.activation, times(engine, features, part(A, inputs, null)));
          const through = engine.matMul(hidden, toTensor(engine, part(B, null, outputs)));
          return engine.add(through, times(engine, features, part(skip, inputs, outputs)));
        },
      };
    }
    case "attention-skip":
      if (structure.rotary || structure.window !== null) return throughModules(section, CPinv, nextC);
      return structure.lastPositionOnly ? lastAttention(engine, structure, into, outOf) : everyAttention(engine, structure, into, outOf);
    case "gated-mlp-skip":
    case "norm":
    case "norm-mlp":
    case "norm-attention":
    case "general":
      return throughModules(section, CPinv, nextC);
  }
}

/** The section itself between the two transforms. */
function throughModules(section: Section, CPinv: Matrix, nextC: Matrix | null): FeatureSection {
  const { engine } = section;
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const x = times(engine, chosen(engine, batch.features, inputs), part(CPinv, inputs, null));
      const rows = asPositionRows(engine, section.forward(asActivations(engine, x, batch.samples)).output);
      return nextC || outputs ? engine.matMul(rows, toTensor(engine, part(nextC ?? identity(section.outputWidth), null, outputs))) : rows;
    },
  };
}
