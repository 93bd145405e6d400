/** @file Random transformers of every kind, as plain description and weights with fixed seeds. */

import type { Matrix } from "../../../server/src/core/linalg/matrix";
import type { RotaryShape } from "../../../server/src/core/network/module";
import type {
  AffineWeights, NormWeights, TransformerBlockWeights, TransformerDescription, TransformerWeights,
} from "../../../server/src/core/network/transformer/description";
import { gaussian } from "./networks";

export const modelWidth = 8;
export const context = 6;
export const vocabulary = 11;
export const outputs = 7;
export const hidden = 10;

const rotary = (changes: Partial<RotaryShape> = {}): RotaryShape => ({ dimensions: 4, base: 50, pairing: "halves", scaling: null, ...changes });
const attention: TransformerDescription["attention"] = { heads: 2, keyValueHeads: 2, headWidth: 4, scaled: true, causal: true, windows: [] };
const layerNorm = { kind: "layer-norm", epsilon: 1e-2 } as const;
const rmsNorm = { kind: "rms-norm", epsilon: 1e-2 } as const;

const base: TransformerDescription = {
  family: "transformer-lens", normalization: layerNorm, finalNorm: true, positions: { kind: "learned" }, blockOrder: "sequential",
  attention, mlp: { gated: false, activation: "gelu_new" }, lastPositionOnly: null,
};

/** By name: every family, and what no family combines. */
export const descriptions: Record<string, TransformerDescription> = {
  "without norms": { ...base, normalization: null, finalNorm: false, mlp: { gated: false, activation: "relu" } },
  "GPT-2": base,
  "GPT-Neo": { ...base, attention: { ...attention, scaled: false, windows: [null, 2] } },
  "GPT-NeoX": {
    ...base, blockOrder: "parallel", positions: { kind: "rotary", rotary: rotary({ dimensions: 2 }), context }, mlp: { gated: false, activation: "gelu" },
  },
  "llama": {
    ...base, normalization: rmsNorm, positions: { kind: "rotary", rotary: rotary({ pairing: "adjacent" }), context },
    attention: { ...attention, heads: 4, keyValueHeads: 2 }, mlp: { gated: true, activation: "silu" },
  },
  "one shared key, llama3 frequencies": {
    ...base, normalization: rmsNorm, attention: { ...attention, heads: 3, keyValueHeads: 1, windows: [3, 3] }, mlp: { gated: true, activation: "gelu" },
    positions: {
      kind: "rotary", context,
      rotary: rotary({ scaling: { kind: "llama3", factor: 8, lowFrequencyFactor: 0.1, highFrequencyFactor: 0.6, originalPositions: 5 } }),
    },
  },
  "parallel without norms": { ...base, normalization: null, finalNorm: false, blockOrder: "parallel", mlp: { gated: false, activation: "tanh" } },
  "no positions, all see all, no final norm": {
    ...base, finalNorm: false, positions: { kind: "none", context }, attention: { ...attention, causal: false }, mlp: { gated: true, activation: "sigmoid" },
  },
};

/** @param plain without biases and norm parameters */
export function randomWeights(description: TransformerDescription, seed: number, options: { blocks?: number; plain?: boolean } = {}): TransformerWeights {
  const { blocks = 2, plain = false } = options;
  const next = gaussian(seed);
  const list = (count: number, scale: number, offset = 0): Float64Array => Float64Array.from({ length: count }, () => offset + scale * next());
  const matrixOf = (rows: number, cols: number, fan = rows): Matrix => ({ rows, cols, data: list(rows * cols, 1.2 / Math.sqrt(fan)) });
  const affine = (rows: number, cols: number): AffineWeights => ({ weight: matrixOf(rows, cols), bias: plain ? null : list(cols, 0.3) });
  const norm = (exists: boolean): NormWeights => {
    if (!exists || plain) return { gain: null, bias: null };
    return { gain: list(modelWidth, 0.3, 1), bias: description.normalization?.kind === "layer-norm" ? list(modelWidth, 0.3) : null };
  };
  const normalized = description.normalization !== null;
  const { heads, keyValueHeads, headWidth } = description.attention;
  const all = Array.from({ length: blocks }, (): TransformerBlockWeights => ({
    attentionNorm: norm(normalized),
    query: affine(modelWidth, heads * headWidth),
    key: affine(modelWidth, keyValueHeads * headWidth),
    value: affine(modelWidth, keyValueHeads * headWidth),
    output: affine(heads * headWidth, modelWidth),
    mlpNorm: norm(normalized),
    gate: description.mlp.gated ? affine(modelWidth, hidden) : null,
    up: affine(modelWidth, hidden),
    down: affine(hidden, modelWidth),
  }));
  return {
    tokens: matrixOf(vocabulary, modelWidth, 1),
    positions: description.positions.kind === "learned" ? matrixOf(context, modelWidth, 4) : null,
    blocks,
    block: (index) => all[index],
    finalNorm: norm(normalized && description.finalNorm),
    unembed: affine(modelWidth, outputs),
    parameterCount: 1,
  };
}
