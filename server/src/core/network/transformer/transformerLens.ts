/** @file Transformers in the layout of TransformerLens state dicts: one head per slice, weights [in, out]. */

import type { Engine } from "../../../engine/engine";
import type { ActivationName } from "../../../protocol/spec";
import { multiply } from "../../linalg/multiply";
import { matrix, type Matrix } from "../../linalg/matrix";
import { besides, stacked } from "../folding";
import type { NormShape } from "../module";
import type { Network } from "../network";
import { NetworkError } from "../networkError";
import { matrixAt, parameter, toMatrix, type Weights } from "../weights";
import { buildTransformer } from "./buildTransformer";
import type { AffineWeights, NormWeights, TransformerBlockWeights, TransformerPositions } from "./description";

/** Fields that may be absent have the value that a config without them means. Heads, widths, gate and grouping are read off the weights. */
export interface TransformerLensDescription {
  readonly activation: ActivationName;
  readonly negativeSlope?: number;
  /** As in the model's config: null, "LN", "LNPre", "RMS" or "RMSPre" (the latter with the norms' parameters folded away). */
  readonly normalization: string | null;
  /** 1e-5 when absent. */
  readonly epsilon?: number;
  /** Learned when absent. */
  readonly positions?: TransformerPositions;
  /** Attention and MLP both read the residual that enters the block; false when absent. */
  readonly parallel?: boolean;
  /** Per block; no windows when absent. */
  readonly windows?: readonly (number | null)[];
  /** Scores are divided by sqrt(d_head). */
  readonly scaleAttention: boolean;
  readonly causal: boolean;
  /** `add_resid1` (of the last block) or `add_resid1.b`: after it only the last position is kept; null keeps all. */
  readonly lastPositionOnly: string | null;
}

const normKinds: Record<string, NormShape["kind"]> = { LN: "layer-norm", LNPre: "layer-norm", RMS: "rms-norm", RMSPre: "rms-norm" };

/** @throws NetworkError when parameters are missing or do not fit, or the description asks for what is not supported. */
export function buildTransformerLens(weights: Weights, description: TransformerLensDescription, engine: Engine): Network {
  const { normalization } = description;
  if (normalization !== null && !Object.hasOwn(normKinds, normalization)) {
    throw new NetworkError(`The model uses normalization "${normalization}", which cannot be analysed. The known ones are ${Object.keys(normKinds).join(", ")} and none.`);
  }
  const tokens = parameter(weights, "embed.W_E", [null, null]);
  const width = tokens.shape[1];
  const blocks = countBlocks(weights);
  const [heads, , headWidth] = parameter(weights, "blocks.0.attn.W_Q", [null, width, null]).shape as [number, number, number];
  const [keyValueHeads] = parameter(weights, keyName(weights, 0, "W_K"), [null, width, headWidth]).shape as [number];
  const positions = description.positions ?? { kind: "learned" };
  const outputs = parameter(weights, "unembed.W_U", [width, null]);
  return buildTransformer({
    tokens: toMatrix(tokens),
    positions: positions.kind === "learned" ? toMatrix(parameter(weights, "pos_embed.W_pos", [null, width])) : null,
    blocks,
    block: (index) => blockWeights(weights, index, normalization, { width, heads, keyValueHeads, headWidth }),
    finalNorm: normWeights(weights, "ln_final", width, normalization),
    unembed: { weight: toMatrix(outputs), bias: optional(weights, "unembed.b_U", [outputs.shape[1]]) },
    parameterCount: countParameters(weights, blocks),
  }, {
    family: "transformer-lens",
    normalization: normalization === null ? null : { kind: normKinds[normalization], epsilon: description.epsilon ?? 1e-5 },
    finalNorm: normalization !== null,
    positions,
    blockOrder: description.parallel ? "parallel" : "sequential",
    attention: { heads, keyValueHeads, headWidth, scaled: description.scaleAttention, causal: description.causal, windows: description.windows ?? [] },
    mlp: {
      gated: weights.has("blocks.0.mlp.W_gate"),
      activation: description.activation,
      ...(description.negativeSlope === undefined ? {} : { negativeSlope: description.negativeSlope }),
    },
    lastPositionOnly: description.lastPositionOnly,
  }, engine);
}

interface Sizes { readonly width: number; readonly heads: number; readonly keyValueHeads: number; readonly headWidth: number }

function blockWeights(weights: Weights, block: number, normalization: string | null, { width, heads, keyValueHeads, headWidth }: Sizes): TransformerBlockWeights {
  const attention = (part: string): string => `blocks.${block}.attn.${part}`;
  const perHead = (name: string, biasName: string, count: number): AffineWeights => {
    const stored = parameter(weights, name, [count, width, headWidth]);
    return {
      weight: besides(Array.from({ length: count }, (_, head) => matrixAt(stored, head))),
      bias: optional(weights, biasName, [count, headWidth]),
    };
  };
  const output = parameter(weights, attention("W_O"), [heads, headWidth, width]);
  return {
    attentionNorm: normWeights(weights, `blocks.${block}.ln1`, width, normalization),
    query: perHead(attention("W_Q"), attention("b_Q"), heads),
    key: perHead(keyName(weights, block, "W_K"), keyName(weights, block, "b_K"), keyValueHeads),
    value: perHead(keyName(weights, block, "W_V"), keyName(weights, block, "b_V"), keyValueHeads),
    output: {
      weight: stacked(Array.from({ length: heads }, (_, head) => matrixAt(output, head))),
      bias: optional(weights, attention("b_O"), [width]),
    },
    mlpNorm: normWeights(weights, `blocks.${block}.ln2`, width, normalization),
    ...mlpWeights(weights, block, width),
  };
}

function mlpWeights(weights: Weights, block: number, width: number): Pick<TransformerBlockWeights, "gate" | "up" | "down"> {
  const name = (part: string): string => `blocks.${block}.mlp.${part}`;
  const into = toMatrix(parameter(weights, name("W_in"), [width, null]));
  const inputBias = optional(weights, name("b_in"), [into.cols]);
  const down = { weight: toMatrix(parameter(weights, name("W_out"), [into.cols, width])), bias: optional(weights, name("b_out"), [width]) };
  if (!weights.has(name("W_gate"))) return { gate: null, up: { weight: into, bias: inputBias }, down };
  // With a gate the library adds b_in after the product: (act(x W_gate) * (x W_in) + b_in) W_out + b_out.
  return {
    gate: { weight: toMatrix(parameter(weights, name("W_gate"), [width, into.cols])), bias: null },
    up: { weight: into, bias: null },
    down: { weight: down.weight, bias: inputBias ? shifted(inputBias, down.weight, down.bias) : down.bias },
  };
}

/** b W + c */
function shifted(b: ArrayLike<number>, weight: Matrix, c: ArrayLike<number> | null): Float64Array {
  return multiply(matrix(1, b.length, Float64Array.from(b)), weight).data.map((value, index) => value + (c?.[index] ?? 0));
}

/** Keys and values that several heads share are stored with an underscore before their names. */
function keyName(weights: Weights, block: number, part: string): string {
  const grouped = `blocks.${block}.attn._${part}`;
  return weights.has(grouped) ? grouped : `blocks.${block}.attn.${part}`;
}

/** "LN" has gain and bias, "RMS" a gain; without normalisation, or with folded norms, there must be none. */
function normWeights(weights: Weights, name: string, width: number, normalization: string | null): NormWeights {
  const expected = normalization === "LN" || normalization === "RMS";
  const gain = expected ? parameter(weights, `${name}.w`, [width]).values : optional(weights, `${name}.w`, [width]);
  const bias = normalization === "LN" ? parameter(weights, `${name}.b`, [width]).values : optional(weights, `${name}.b`, [width]);
  return { gain, bias };
}

function optional(weights: Weights, name: string, shape: readonly number[]): Float32Array | Float64Array | null {
  return weights.has(name) ? parameter(weights, name, shape).values : null;
}

function countBlocks(weights: Weights): number {
  let blocks = 0;
  while (weights.has(`blocks.${blocks}.attn.W_Q`)) blocks += 1;
  if (blocks === 0) throw new NetworkError('The model has no parameter "blocks.0.attn.W_Q". Check "architecture.family" in the spec.');
  return blocks;
}

/** Parameters used, without the attention masks that some state dicts carry. */
function countParameters(weights: Weights, blocks: number): number {
  const used = /^(embed\.W_E|pos_embed\.W_pos|ln_final\.[wb]|unembed\.(W_U|b_U)|blocks\.(\d+)\.(attn\._?[Wb]_[QKVO]|mlp\.(W_gate|[Wb]_(in|out))|ln[12]\.[wb]))$/;
  let count = 0;
  for (const [name, { values }] of weights) {
    const match = used.exec(name);
    if (match && (match[3] === undefined || Number(match[3]) < blocks)) count += values.length;
  }
  return count;
}
