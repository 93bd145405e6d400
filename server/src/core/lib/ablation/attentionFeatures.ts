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
import type { DistinctFeatures } from "./distinctFeatures";
import { asActivations, asPositionRows, type FeatureBatch } from "./layerFeatures";

type AttentionSkip = Extract<SectionStructure, { kind: "attention-skip" }>;
/** A weight seen from the input features, or towards the output features. */
type Fold = (weight: Matrix) => Matrix;

/** Per head c Q K^T [r, r] and V O [r, r']; per output position the skip [r, r']. */
interface LastWeights {
  readonly heads: readonly { readonly scores: Matrix; readonly values: Matrix }[];
  readonly skip: Matrix;
}

/**
 * Read at the last position only: with the scores written as a bilinear form of features, f_t (c Q K^T) f_s, and the values multiplied by
 * O, queries, keys and values never appear, and the work shrinks with the number of chosen features.
 */
export function lastAttention(engine: Engine, structure: AttentionSkip, into: Fold, outOf: Fold): FeatureSection {
  const weights: LastWeights = {
    heads: structure.heads.map(({ Q, K, V, O }) => ({
      scores: scale(multiply(into(Q), into(K), { transposeB: true }), structure.scale),
      values: multiply(into(V), outOf(O)),
    })),
    skip: outOf(into(structure.skip)),
  };
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const chosenWeights: LastWeights = {
        heads: weights.heads.map(({ scores, values }) => ({ scores: part(part(scores, inputs, null), null, inputs), values: part(values, inputs, outputs) })),
        skip: part(weights.skip, inputs, outputs),
      };
      return batch.distinct ? ofDistinct(engine, batch, batch.distinct, inputs, chosenWeights) : ofAll(engine, batch, inputs, chosenWeights);
    },
  };
}

/** Every sample and position on its own. */
function ofAll(engine: Engine, batch: FeatureBatch, inputs: readonly number[], { heads, skip }: LastWeights): Tensor {
  const { samples, positions } = batch;
  const count = inputs.length;
  const flat = chosen(engine, batch.features, inputs);
  const features = engine.reshape(flat, [count, positions, samples]);
  const last = engine.reshape(engine.slice(features, [0, positions - 1, 0], [count, 1, samples]), [count, samples]);
  const terms = heads.map(({ scores, values }) => engine.tidy(() => {
    const bilinear = engine.matMul(toTensor(engine, scores), last, { transposeA: true });
    const perPosition = engine.sum(engine.mul(features, engine.reshape(bilinear, [count, 1, samples])), [0]);
    const pattern = engine.transpose(engine.softmax(engine.transpose(perPosition, [1, 0])), [1, 0]);
    const mixed = (rows: Tensor): Tensor => engine.sum(engine.mul(rows, engine.reshape(pattern, [1, positions, samples])), [1]);
    if (values.cols >= count) return times(engine, mixed(features), values);
    // Fewer outputs than inputs: the outputs are what is mixed.
    const perOutput = engine.reshape(engine.matMul(toTensor(engine, values), flat, { transposeA: true }), [values.cols, positions, samples]);
    return engine.transpose(mixed(perOutput), [1, 0]);
  }));
  return terms.reduce((sum, term) => engine.add(sum, term), times(engine, last, skip));
}

/** Scores and values of the different vectors only; every sample looks its own up. */
function ofDistinct(engine: Engine, batch: FeatureBatch, distinct: DistinctFeatures, inputs: readonly number[], { heads, skip }: LastWeights): Tensor {
  const { samples, positions } = batch;
  const features = chosen(engine, distinct.features, inputs);
  const vectors = features.shape[1];
  const last = engine.transpose(engine.gather(engine.transpose(features, [1, 0]), distinct.atLast), [1, 0]);
  const atLast = distinct.atLast.length;
  const terms = heads.map(({ scores, values }) => engine.tidy(() => {
    const bilinear = engine.matMul(engine.matMul(last, toTensor(engine, scores), { transposeA: true }), features);
    const perPosition = engine.gather(engine.reshape(bilinear, [atLast * vectors]), distinct.pairs);
    const pattern = engine.softmax(engine.reshape(perPosition, [samples, positions]));
    const outputs = values.cols;
    const perVector = engine.gather(times(engine, features, values), distinct.at);
    const weighted = engine.mul(engine.reshape(perVector, [samples, positions, outputs]), engine.reshape(pattern, [samples, positions, 1]));
    return engine.sum(weighted, [1]);
  }));
  const ends = Int32Array.from({ length: samples }, (_, sample) => distinct.at[(sample + 1) * positions - 1]);
  const bypass = engine.gather(times(engine, features, skip), ends);
  return terms.reduce((sum, term) => engine.add(sum, term), bypass);
}

/** Read at every position, by queries, keys and values. */
export function everyAttention(engine: Engine, structure: AttentionSkip, into: Fold, outOf: Fold): FeatureSection {
  const heads = structure.heads.map(({ Q, K, V, O }) => ({ Q: into(Q), K: into(K), V: into(V), O: outOf(O) }));
  const skip = outOf(into(structure.skip));
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const { samples, positions } = batch;
      const features = chosen(engine, batch.features, inputs);
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
