/** @file Attention with its skip connection from a few chosen input features to chosen output features. */

import type { Engine, Tensor } from "../../../engine/engine";
import { scale } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { attentionPattern } from "../../network/attentionModule";
import type { SectionStructure } from "../../network/sectionStructure";
import { toTensor } from "../closedForms/matrices";
import { chosen, part, times } from "./chosenFeatures";
import type { FeatureSection } from "./featureSection";
import { asActivations, asPositionRows } from "./layerFeatures";

type AttentionSkip = Extract<SectionStructure, { kind: "attention-skip" }>;
/** A weight seen from the input features, or towards the output features. */
type Fold = (weight: Matrix) => Matrix;

/**
 * Read at the last position only: with the scores written as a bilinear form of features, f_t (c Q K^T) f_s, and the values multiplied by
 * O, queries, keys and values never appear, and the work shrinks with the number of chosen features.
 */
export function lastAttention(engine: Engine, structure: AttentionSkip, into: Fold, outOf: Fold): FeatureSection {
  const heads = structure.heads.map(({ Q, K, V, O }) => ({
    scores: scale(multiply(into(Q), into(K), { transposeB: true }), structure.scale),
    values: multiply(into(V), outOf(O)),
  }));
  const skip = outOf(into(structure.skip));
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const { samples, positions } = batch;
      const count = inputs.length;
      const flat = chosen(engine, batch, inputs);
      const features = engine.reshape(flat, [count, positions, samples]);
      const last = engine.reshape(engine.slice(features, [0, positions - 1, 0], [count, 1, samples]), [count, samples]);
      const terms = heads.map(({ scores, values }) => engine.tidy(() => {
        const bilinear = engine.matMul(toTensor(engine, selectSquare(scores, inputs)), last, { transposeA: true });
        const perPosition = engine.sum(engine.mul(features, engine.reshape(bilinear, [count, 1, samples])), [0]);
        const pattern = engine.transpose(engine.softmax(engine.transpose(perPosition, [1, 0])), [1, 0]);
        const mixed = (rows: Tensor): Tensor => engine.sum(engine.mul(rows, engine.reshape(pattern, [1, positions, samples])), [1]);
        const weights = part(values, inputs, outputs);
        if (weights.cols >= count) return times(engine, mixed(features), weights);
        // Fewer outputs than inputs: the outputs are what is mixed.
        const perOutput = engine.reshape(engine.matMul(toTensor(engine, weights), flat, { transposeA: true }), [weights.cols, positions, samples]);
        return engine.transpose(mixed(perOutput), [1, 0]);
      }));
      return terms.reduce((sum, term) => engine.add(sum, term), times(engine, last, part(skip, inputs, outputs)));
    },
  };
}

/** Read at every position, by queries, keys and values. */
export function everyAttention(engine: Engine, structure: AttentionSkip, into: Fold, outOf: Fold): FeatureSection {
  const heads = structure.heads.map(({ Q, K, V, O }) => ({ Q: into(Q), K: into(K), V: into(V), O: outOf(O) }));
  const skip = outOf(into(structure.skip));
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const { samples, positions } = batch;
      const features = chosen(engine, batch, inputs);
      const perSample = (weight: Matrix): Tensor => (
        engine.reshape(asActivations(engine, times(engine, features, part(weight, inputs, null)), samples), [samples, 1, positions, weight.cols])
      );
      const terms = heads.map(({ Q, K, V, O }) => engine.tidy(() => {
        const pattern = attentionPattern(engine, perSample(Q), perSample(K), structure.scale, structure.causal);
        const mixed = engine.reshape(engine.matMul(pattern, perSample(V)), [samples, positions, V.cols]);
        return engine.matMul(asPositionRows(engine, mixed), toTensor(engine, part(O, null, outputs)));
      }));
      return terms.reduce((sum, term) => engine.add(sum, term), times(engine, features, part(skip, inputs, outputs)));
    },
  };
}

const selectSquare = (a: Matrix, chosenFeatures: readonly number[]): Matrix => part(part(a, chosenFeatures, null), null, chosenFeatures);
