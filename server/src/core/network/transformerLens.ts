/**
 * @file Transformers in the layout of TransformerLens state dicts, without layer norm: token and positional embedding, blocks of
 * attention and MLP with residual stream, unembedding. Module order and node-layer widths: method section 1.4.
 */

import type { Engine } from "../../engine/engine";
import type { ActivationName } from "../../protocol/spec";
import type { Matrix } from "../linalg/matrix";
import { activationFunction } from "./activationFunction";
import { activationModule } from "./activationModule";
import { attentionModule } from "./attentionModule";
import { besides, foldAffine, foldBias, stacked, withZeroColumn } from "./folding";
import { lastPositionModule } from "./lastPositionModule";
import { linearModule } from "./linearModule";
import type { AttentionShape, Module } from "./module";
import type { Network } from "./network";
import { NetworkError } from "./networkError";
import { tokenEmbedding } from "./tokenEmbedding";
import { matrixAt, parameter, toMatrix, type HostTensor, type Weights } from "./weights";

export interface TransformerLensDescription {
  readonly activation: ActivationName;
  readonly negativeSlope?: number;
  /** As in the model's config; only `null` (no layer norm) is supported. */
  readonly normalization: string | null;
  /** Scores are divided by sqrt(d_head). */
  readonly scaleAttention: boolean;
  readonly causal: boolean;
  /** `add_resid1` (of the last block) or `add_resid1.b`: after it only the last position is kept; null keeps all. */
  readonly lastPositionOnly: string | null;
}

/** @throws NetworkError when parameters are missing or do not fit, or the description asks for what is not supported. */
export function buildTransformerLens(weights: Weights, description: TransformerLensDescription, engine: Engine): Network {
  if (description.normalization !== null) {
    throw new NetworkError(`The model uses normalization "${description.normalization}", but only transformers without layer norm can be analysed. Use a model with normalization_type null.`);
  }
  const tokens = parameter(weights, "embed.W_E", [null, null]);
  const width = tokens.shape[1] + 1;
  const positions = parameter(weights, "pos_embed.W_pos", [null, width - 1]);
  const blocks = countBlocks(weights);
  const lastPosition = lastPositionBlock(description.lastPositionOnly, blocks);

  const modules: Module[] = [linearModule(engine, "add_embed", [width, width], [width], sumOf(2))];
  for (let block = 0; block < blocks; block += 1) {
    modules.push(
      ...attentionHalf(weights, description, engine, block, width),
      ...(block === lastPosition ? [lastPositionModule(engine, `last_position.${block}`, width)] : []),
      ...mlpHalf(weights, description, engine, block, width),
    );
  }
  const unembed = toMatrix(parameter(weights, "unembed.W_U", [width - 1, null]));
  const unembedBias = optionalBias(weights, "unembed.b_U", [unembed.cols]);
  modules.push(
    linearModule(engine, "ln_final", [width], [width], sumOf(1)),
    linearModule(engine, "ln_final_out", [width], [width], sumOf(1)),
    linearModule(engine, "unembed", [width], [unembed.cols], [{ from: 0, to: 0, weight: foldBias(unembed, unembedBias) }]),
  );
  const nodeLayerNames = [...modules.map(({ id }) => id).filter((id) => !id.startsWith("last_position")), "output"];
  return {
    family: "transformer-lens",
    engine,
    input: { kind: "tokens", vocabulary: tokens.shape[0], maxPositions: positions.shape[0] },
    modules,
    nodeLayerNames,
    defaultNodeLayers: [...Array.from({ length: blocks }, (_, block) => [`ln1.${block}`, `ln2.${block}`]).flat(), "unembed", "output"],
    parameterCount: countParameters(weights, blocks),
    encode: tokenEmbedding(engine, withZeroColumn(toMatrix(tokens)), foldedPositions(toMatrix(positions))),
  };
}

/** Identity terms from every input to the one output. */
const sumOf = (inputs: number): { from: number; to: number; weight: null }[] =>
  Array.from({ length: inputs }, (_, from) => ({ from, to: 0, weight: null }));
/** Identity terms from the one input to every output. */
const copies = (outputs: number): { from: number; to: number; weight: null }[] =>
  Array.from({ length: outputs }, (_, to) => ({ from: 0, to, weight: null }));

/** ln1 to add_resid1. Without layer norm ln1 is the identity and ln1_out doubles the residual. */
function attentionHalf(weights: Weights, description: TransformerLensDescription, engine: Engine, block: number, width: number): Module[] {
  const name = (part: string): string => `blocks.${block}.attn.${part}`;
  const query = parameter(weights, name("W_Q"), [null, width - 1, null]);
  const [heads, , headWidth] = query.shape as [number, number, number];
  const key = parameter(weights, name("W_K"), [heads, width - 1, headWidth]);
  const value = parameter(weights, name("W_V"), [heads, width - 1, headWidth]);
  const output = parameter(weights, name("W_O"), [heads, headWidth, width - 1]);
  const perHead = (part: string): (head: number) => ArrayLike<number> | null => {
    const bias = optionalBias(weights, name(part), [heads, headWidth]);
    return (head) => bias && bias.subarray(head * headWidth, (head + 1) * headWidth);
  };
  const folded = (source: HostTensor, bias: (head: number) => ArrayLike<number> | null, fold: (w: Matrix, b: ArrayLike<number> | null) => Matrix): Matrix =>
    besides(Array.from({ length: heads }, (_, head) => fold(matrixAt(source, head), bias(head))));

  // The output bias is spread evenly over the heads: each head's value carries a 1 that meets its share (method section 1.2).
  const outputBias = optionalBias(weights, name("b_O"), [width - 1])?.map((entry) => entry / heads) ?? null;
  const attention: AttentionShape = {
    heads,
    queryWidth: headWidth,
    valueWidth: headWidth + 1,
    scale: description.scaleAttention ? 1 / Math.sqrt(headWidth) : 1,
    causal: description.causal,
    output: stacked(Array.from({ length: heads }, (_, head) => withZeroColumn(foldBias(matrixAt(output, head), outputBias)))),
  };
  const q = folded(query, perHead("b_Q"), foldBias);
  const k = folded(key, perHead("b_K"), foldBias);
  const v = folded(value, perHead("b_V"), (weight, bias) => foldAffine(weight, bias, 1));
  return [
    linearModule(engine, `ln1.${block}`, [width], [width], sumOf(1)),
    linearModule(engine, `ln1_out.${block}`, [width], [width, width], copies(2)),
    linearModule(engine, `attn_in.${block}`, [width, width], [q.cols, k.cols, v.cols, width], [
      ...[q, k, v].map((weight, to) => ({ from: 0, to, weight })),
      { from: 1, to: 3, weight: null },
    ]),
    attentionModule(engine, `attn_out.${block}`, attention, [width]),
    linearModule(engine, `add_resid1.${block}`, [width, width], [width], sumOf(2)),
  ];
}

/** ln2 to add_resid2. The residual stream carries the constant, so that of the MLP's output is 0. */
function mlpHalf(weights: Weights, description: TransformerLensDescription, engine: Engine, block: number, width: number): Module[] {
  const name = (part: string): string => `blocks.${block}.mlp.${part}`;
  const activation = activationFunction(description.activation, description.negativeSlope);
  const rawIn = toMatrix(parameter(weights, name("W_in"), [width - 1, null]));
  const rawOut = toMatrix(parameter(weights, name("W_out"), [rawIn.cols, width - 1]));
  const into = foldAffine(rawIn, optionalBias(weights, name("b_in"), [rawIn.cols]), activation.constantRoot);
  const out = withZeroColumn(foldBias(rawOut, optionalBias(weights, name("b_out"), [width - 1])));
  return [
    linearModule(engine, `ln2.${block}`, [width], [width], sumOf(1)),
    linearModule(engine, `ln2_out.${block}`, [width], [width, width], copies(2)),
    linearModule(engine, `mlp_in.${block}`, [width, width], [into.cols, width], [
      { from: 0, to: 0, weight: into },
      { from: 1, to: 1, weight: null },
    ]),
    activationModule(engine, `mlp_act.${block}`, [into.cols, width], activation),
    linearModule(engine, `mlp_out.${block}`, [into.cols, width], [width, width], [
      { from: 0, to: 0, weight: out },
      { from: 1, to: 1, weight: null },
    ]),
    linearModule(engine, `add_resid2.${block}`, [width, width], [width], sumOf(2)),
  ];
}

function optionalBias(weights: Weights, name: string, shape: readonly number[]): Float32Array | Float64Array | null {
  return weights.has(name) ? parameter(weights, name, shape).values : null;
}

function foldedPositions(table: Matrix): Matrix {
  const folded = withZeroColumn(table);
  for (let row = 1; row <= folded.rows; row += 1) folded.data[row * folded.cols - 1] = 1;
  return folded;
}

function countBlocks(weights: Weights): number {
  let blocks = 0;
  while (weights.has(`blocks.${blocks}.attn.W_Q`)) blocks += 1;
  if (blocks === 0) throw new NetworkError('The model has no parameter "blocks.0.attn.W_Q". Check "architecture.family" in the spec.');
  return blocks;
}

function lastPositionBlock(name: string | null, blocks: number): number | null {
  if (name === null) return null;
  const match = /^add_resid1(?:\.(\d+))?$/.exec(name);
  const block = match?.[1] === undefined ? blocks - 1 : Number(match[1]);
  if (!match || block >= blocks) {
    throw new NetworkError(`lastPositionOnly "${name}" is not supported. Use "add_resid1" (last block) or "add_resid1.0" to "add_resid1.${blocks - 1}".`);
  }
  return block;
}

/** Parameters used, without the attention masks that some state dicts carry. */
function countParameters(weights: Weights, blocks: number): number {
  const used = /^(embed\.W_E|pos_embed\.W_pos|unembed\.(W_U|b_U)|blocks\.(\d+)\.(attn\.[Wb]_[QKVO]|mlp\.[Wb]_(in|out)))$/;
  let count = 0;
  for (const [name, { values }] of weights) {
    const match = used.exec(name);
    if (match && (match[3] === undefined || Number(match[3]) < blocks)) count += values.length;
  }
  return count;
}
