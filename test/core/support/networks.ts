/** @file Small random networks with fixed seeds, and the same networks computed plainly, without folding. */

import { buildMlp } from "../../../server/src/core/network/mlp";
import type { Network, NetworkInputs } from "../../../server/src/core/network/network";
import { buildTransformerLens, type TransformerLensDescription } from "../../../server/src/core/network/transformer/transformerLens";
import type { HostTensor, Weights } from "../../../server/src/core/network/weights";
import { createEngine } from "../../../server/src/engine/createEngine";
import type { Engine } from "../../../server/src/engine/engine";
import type { ActivationName, Precision } from "../../../server/src/protocol/spec";
import { uniform } from "../linalg/random";

export const referenceEngine = (precision: Precision = "float64"): Promise<Engine> => createEngine({ backend: "cpu", precision });

/** Standard normal numbers by the polar method. */
export function gaussian(seed: number): () => number {
  const next = uniform(seed);
  return () => {
    for (;;) {
      const u = next();
      const v = next();
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  };
}

export function tensorOf(shape: readonly number[], next: () => number): HostTensor {
  return { shape, values: Float64Array.from({ length: shape.reduce((product, size) => product * size, 1) }, next) };
}

export const vectors = (count: number, width: number, next: () => number): NetworkInputs & { kind: "vectors" } =>
  ({ kind: "vectors", count, width, values: Float32Array.from({ length: count * width }, next) });

export const tokens = (count: number, positions: number, vocabulary: number, seed: number): NetworkInputs & { kind: "tokens" } => {
  const next = uniform(seed);
  return { kind: "tokens", count, positions, vocabulary, values: Int32Array.from({ length: count * positions }, () => Math.floor(((next() + 1) / 2) * vocabulary)) };
};

/** Every layer of a perceptron; of a transformer the inputs of the norms, of the unembedding, and the output. */
export const usualNodeLayers = ({ nodeLayerNames }: Network): string[] => nodeLayerNames.filter((name) => /^(layers\.\d+|ln[12]\.\d+|unembed|output)$/.test(name));

/** Weights `w0 [in, out]`, `b0`, `w1`, ... scaled so that activations keep their size. */
export function mlpWeights(widths: readonly number[], seed: number, options: { bias?: boolean } = {}): Map<string, HostTensor> {
  const next = gaussian(seed);
  const weights = new Map<string, HostTensor>();
  widths.slice(1).forEach((width, layer) => {
    const scale = 1.4 / Math.sqrt(widths[layer]);
    weights.set(`w${layer}`, tensorOf([widths[layer], width], () => next() * scale));
    if (options.bias !== false) weights.set(`b${layer}`, tensorOf([width], () => next() * 0.5));
  });
  return weights;
}

export function mlpOf(weights: Weights, engine: Engine, activation: ActivationName = "relu", negativeSlope?: number): Network {
  const depth = [...weights.keys()].filter((name) => name.startsWith("w")).length;
  return buildMlp(weights, {
    family: "mlp",
    activation,
    ...(negativeSlope === undefined ? {} : { negativeSlope }),
    layers: Array.from({ length: depth }, (_, layer) => ({
      name: `fc${layer}`, weight: `w${layer}`, bias: weights.has(`b${layer}`) ? `b${layer}` : null, order: "in,out" as const,
    })),
  }, engine);
}

export interface TransformerSizes {
  readonly blocks: number;
  readonly vocabulary: number;
  readonly context: number;
  readonly width: number;
  readonly heads: number;
  readonly headWidth: number;
  readonly hidden: number;
  readonly outputs: number;
}

export const smallTransformer: TransformerSizes = { blocks: 1, vocabulary: 7, context: 4, width: 6, heads: 2, headWidth: 3, hidden: 9, outputs: 5 };

export function transformerWeights(sizes: TransformerSizes, seed: number): Map<string, HostTensor> {
  const next = gaussian(seed);
  const { width, heads, headWidth, hidden } = sizes;
  const matrixOf = (shape: readonly number[], fan: number): HostTensor => tensorOf(shape, () => next() * (1.2 / Math.sqrt(fan)));
  const bias = (shape: readonly number[]): HostTensor => tensorOf(shape, () => next() * 0.3);
  const weights = new Map<string, HostTensor>([
    ["embed.W_E", matrixOf([sizes.vocabulary, width], 1)],
    ["pos_embed.W_pos", matrixOf([sizes.context, width], 4)],
    ["unembed.W_U", matrixOf([width, sizes.outputs], width)],
    ["unembed.b_U", bias([sizes.outputs])],
  ]);
  for (let block = 0; block < sizes.blocks; block += 1) {
    const attention = `blocks.${block}.attn`;
    for (const part of ["Q", "K", "V"]) {
      weights.set(`${attention}.W_${part}`, matrixOf([heads, width, headWidth], width));
      weights.set(`${attention}.b_${part}`, bias([heads, headWidth]));
    }
    weights.set(`${attention}.W_O`, matrixOf([heads, headWidth, width], headWidth));
    weights.set(`${attention}.b_O`, bias([width]));
    weights.set(`blocks.${block}.mlp.W_in`, matrixOf([width, hidden], width));
    weights.set(`blocks.${block}.mlp.b_in`, bias([hidden]));
    weights.set(`blocks.${block}.mlp.W_out`, matrixOf([hidden, width], hidden));
    weights.set(`blocks.${block}.mlp.b_out`, bias([width]));
  }
  return weights;
}

const plainDescription: TransformerLensDescription =
  { activation: "relu", normalization: null, scaleAttention: true, causal: true, lastPositionOnly: null };

export const transformerOf = (weights: Weights, engine: Engine, description: Partial<TransformerLensDescription> = {}): Network =>
  buildTransformerLens(weights, { ...plainDescription, ...description }, engine);
