/**
 * @file A section seen from its features: f_hat restricted to some features -> f_hat @ CPinv -> section -> @ C of the next layer,
 * of which some features are read. Where the structure is known the transforms are multiplied into the weights, so that few
 * features cost little: ablations run a section many times with a handful of features each.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { selectColumns, selectRows } from "../../linalg/arrange";
import { identity } from "../../linalg/elementary";
import type { Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import { applyActivation } from "../../network/activationFunction";
import { attentionPattern } from "../../network/attentionModule";
import type { Section } from "../../network/section";
import type { SectionStructure } from "../../network/sectionStructure";
import type { FeatureBatch } from "./layerFeatures";

export interface FeatureSection {
  /** [r, r']: the whole section when it is linear, else null. */
  readonly linear: Matrix | null;
  /**
   * Output features (all when null) computed from the chosen input features only, [B T, number of outputs].
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
        apply: (batch, inputs, outputs) => times(engine, chosen(engine, batch, inputs), part(linear, inputs, outputs)),
      };
    }
    case "affine-activation": {
      const W = into(structure.W);
      const C = nextC ?? identity(structure.W.cols);
      return {
        linear: null,
        apply: (batch, inputs, outputs) => {
          const hidden = applyActivation(engine, structure.activation, times(engine, chosen(engine, batch, inputs), part(W, inputs, null)));
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
          const features = chosen(engine, batch, inputs);
          const hidden = applyActivation(engine, structure.activation, times(engine, features, part(A, inputs, null)));
          const through = engine.matMul(hidden, toTensor(engine, part(B, null, outputs)));
          return engine.add(through, times(engine, features, part(skip, inputs, outputs)));
        },
      };
    }
    case "attention-skip":
      return attentionFeatures(engine, structure, into, outOf);
    case "general": {
      return {
        linear: null,
        apply: (batch, inputs, outputs) => {
          const x = times(engine, chosen(engine, batch, inputs), part(CPinv, inputs, null));
          const { output } = section.forward(engine.reshape(x, [batch.samples, batch.positions, section.inputWidth]));
          const rows = engine.reshape(output, [output.size / section.outputWidth, section.outputWidth]);
          return nextC || outputs ? engine.matMul(rows, toTensor(engine, part(nextC ?? identity(section.outputWidth), null, outputs))) : rows;
        },
      };
    }
  }
}

function attentionFeatures(
  engine: Engine, structure: Extract<SectionStructure, { kind: "attention-skip" }>, into: (weight: Matrix) => Matrix, outOf: (weight: Matrix) => Matrix,
): FeatureSection {
  const heads = structure.heads.map(({ Q, K, V, O }) => ({ Q: into(Q), K: into(K), V: into(V), O: outOf(O) }));
  const skip = outOf(into(structure.skip));
  return {
    linear: null,
    apply: (batch, inputs, outputs) => {
      const { samples, positions } = batch;
      const outputPositions = structure.lastPositionOnly ? 1 : positions;
      const features = chosen(engine, batch, inputs);
      const atOutputs = outputPositions === positions ? features : lastPositions(engine, features, batch);
      const byHead = (a: Tensor, count: number): Tensor => engine.reshape(a, [samples, 1, count, a.shape[1]]);
      const terms = heads.map((head) => engine.tidy(() => {
        const queries = byHead(times(engine, atOutputs, part(head.Q, inputs, null)), outputPositions);
        const keys = byHead(times(engine, features, part(head.K, inputs, null)), positions);
        const values = byHead(times(engine, features, part(head.V, inputs, null)), positions);
        const mixed = engine.matMul(attentionPattern(engine, queries, keys, structure.scale, structure.causal), values);
        const rows = engine.reshape(mixed, [samples * outputPositions, head.V.cols]);
        return engine.matMul(rows, toTensor(engine, part(head.O, null, outputs)));
      }));
      return terms.reduce((sum, term) => engine.add(sum, term), times(engine, atOutputs, part(skip, inputs, outputs)));
    },
  };
}

/** The chosen features [k, B S]. */
function chosen(engine: Engine, { features }: FeatureBatch, inputs: readonly number[]): Tensor {
  return inputs.length === features.shape[0] ? features : engine.gather(features, Int32Array.from(inputs));
}

/** [k, B S] -> [k, B] at the last position. */
function lastPositions(engine: Engine, features: Tensor, { samples, positions }: FeatureBatch): Tensor {
  const count = features.shape[0];
  const last = engine.slice(engine.reshape(features, [count, samples, positions]), [0, 0, positions - 1], [count, samples, 1]);
  return engine.reshape(last, [count, samples]);
}

/** features^T weight: [k, n], [k, m] -> [n, m] */
const times = (engine: Engine, features: Tensor, weight: Matrix): Tensor => engine.matMul(features, toTensor(engine, weight), { transposeA: true });

/** The chosen rows and columns; all where null. */
function part(a: Matrix, rows: readonly number[] | null, columns: readonly number[] | null): Matrix {
  const chosenRows = rows && rows.length < a.rows ? selectRows(a, rows) : a;
  return columns ? selectColumns(chosenRows, columns) : chosenRows;
}

const toTensor = (engine: Engine, a: Matrix): Tensor => engine.tensor(a.data, [a.rows, a.cols]);
