/** @file Transformers whose state dict uses the names of TransformerLens: `blocks.N.attn.W_Q` and so on. */

import { InputError } from "../errors";
import { activationNamed, activationOf } from "./activationOf";
import type { ModelFacts, TransformerLensArchitecture, TransformerSizes } from "./architecture";
import { lastPosition } from "./lastPosition";
import { listed } from "./mlpChain";
import { defaultNodeLayers } from "./nodeLayers";
import { ConfigFields } from "./transformer/configFields";
import { lensOptions } from "./transformerLensConfig";

const signature = ["embed.W_E", "blocks.0.attn.W_Q", "unembed.W_U"];

/** Buffers that such checkpoints carry beside their parameters. */
const buffers = /^(hook_|.*\.hook_|blocks\.\d+\.attn\.(mask|IGNORE|rotary_sin|rotary_cos)$)/;

export function looksLikeTransformerLens(facts: ModelFacts): boolean {
  const prefix = facts.spec.prefix ?? "";
  return signature.every((name) => facts.tensors.some((tensor) => tensor.name === prefix + name));
}

/** @throws InputError when tensors are missing or disagree, in one sentence that names both, or the config asks for what is not supported. */
export function inferTransformerLens(facts: ModelFacts): TransformerLensArchitecture {
  const { sidecar, spec } = facts;
  const shapes = new Map(facts.tensors.map(({ name, shape }) => [name, shape]));
  if ((spec.prefix ?? "") !== "") throw new InputError(`"architecture.prefix" is not possible with family "transformer-lens": save the state dict of the inner model of ${facts.model}.`);
  const config = new ConfigFields(sidecar?.name ?? null, sidecar?.modelFields() ?? {});
  const sizes = sizesOf(facts, shapes);
  const expected = expectedShapes(sizes, shapes.has("blocks.0.mlp.W_gate"));
  for (const [name, { shape, optional }] of expected) {
    if (optional && !shapes.has(name)) continue;
    const found = shapeOf(facts, shapes, name, shape.length);
    if (found.join() !== shape.join()) {
      throw new InputError(
        `${facts.model} has the tensor names of TransformerLens but not its layout: "${name}" is [${found.join(", ")}] where [${shape.join(", ")}] is expected `
        + `(width ${sizes.modelWidth} from embed.W_E, ${sizes.heads} heads of ${sizes.headWidth} from blocks.0.attn.W_Q). Save the weights transposed to TransformerLens' layout.`,
      );
    }
  }
  const options = lensOptions(config, facts, shapes, sizes);
  if (options.positions.kind !== "learned") expected.delete("pos_embed.W_pos");
  const unused = facts.tensors.filter(({ name }) => !expected.has(name) && !buffers.test(name)).map(({ name }) => name);
  const foreign = unused.find((name) => /^(blocks\.\d+|embed|unembed)\./.test(name));
  if (foreign !== undefined) throw new InputError(`${facts.model} has the tensor "${foreign}", which is no part of the TransformerLens networks that can be analysed: choose a model without it.`);
  // Fields of the whole model; a bare Hugging Face config names its activation elsewhere.
  const actName = config.text("act_fn");
  const activation = spec.activation || actName === null ? activationOf(facts) : { name: activationNamed(actName, sidecar!.file), negativeSlope: null, note: null };
  const last = lastPosition(facts);
  const nodes = defaultNodeLayers(sizes.layers, sizes.outputs, options.normalization !== null);
  const { layers, heads, keyValueHeads, modelWidth, headWidth, hiddenWidth } = sizes;
  return {
    kind: "transformer-lens",
    description: {
      activation: activation.name,
      ...(activation.negativeSlope !== null ? { negativeSlope: activation.negativeSlope } : {}),
      normalization: options.normalization,
      epsilon: options.epsilon,
      positions: options.positions,
      parallel: options.parallel,
      windows: options.windows,
      scaleAttention: spec.scaleAttention ?? options.scaled,
      causal: spec.causal ?? config.text("attention_dir") !== "bidirectional",
      lastPositionOnly: last.after,
    },
    sizes: { ...sizes, positions: options.context },
    how: `TransformerLens layout: ${layers} ${layers === 1 ? "block" : "blocks"}, width ${modelWidth}, ${heads} heads of ${headWidth}`
      + `${keyValueHeads === heads ? "" : ` on ${keyValueHeads} key-value heads`}, hidden width ${hiddenWidth}, ${activation.name}${sidecar ? ` (with ${sidecar.name})` : ""}.`,
    tensors: [...expected.keys()].filter((name) => shapes.has(name)),
    nodeLayers: nodes.names,
    notes: [
      ...(activation.note !== null ? [activation.note] : []),
      ...options.notes,
      ...nodes.notes,
      ...last.notes,
      ...(unused.length > 0 ? [`Not part of the network and ignored: ${listed(unused)}.`] : []),
    ],
  };
}

type Shapes = ReadonlyMap<string, readonly number[]>;

function shapeOf(facts: ModelFacts, shapes: Shapes, name: string, axes: number): readonly number[] {
  const shape = shapes.get(name);
  if (!shape) throw new InputError(`${facts.model} looks like a TransformerLens checkpoint but has no "${name}": name the family in "architecture" if it is another kind of network.`);
  if (shape.length !== axes) throw new InputError(`${facts.model} looks like a TransformerLens checkpoint, but "${name}" is [${shape.join(", ")}] and TransformerLens stores ${axes} axes there: convert the weights to its layout.`);
  return shape;
}

/** Positions are 0 without a table. */
function sizesOf(facts: ModelFacts, shapes: Shapes): TransformerSizes {
  const [vocabulary, modelWidth] = shapeOf(facts, shapes, "embed.W_E", 2) as [number, number];
  const [heads, , headWidth] = shapeOf(facts, shapes, "blocks.0.attn.W_Q", 3) as [number, number, number];
  // Keys and values that several heads share are stored with an underscore.
  const [keyValueHeads] = shapeOf(facts, shapes, shapes.has("blocks.0.attn._W_K") ? "blocks.0.attn._W_K" : "blocks.0.attn.W_K", 3) as [number];
  const [, hiddenWidth] = shapeOf(facts, shapes, "blocks.0.mlp.W_in", 2) as [number, number];
  const [, outputs] = shapeOf(facts, shapes, "unembed.W_U", 2) as [number, number];
  const positions = shapes.has("pos_embed.W_pos") ? shapeOf(facts, shapes, "pos_embed.W_pos", 2)[0]! : 0;
  return { layers: countBlocks(facts), heads, keyValueHeads, modelWidth, headWidth, hiddenWidth, vocabulary, outputs, positions };
}

function expectedShapes(s: TransformerSizes, gated: boolean): Map<string, { shape: number[]; optional: boolean }> {
  const shapes = new Map<string, { shape: number[]; optional: boolean }>();
  const weight = (name: string, ...shape: number[]): void => void shapes.set(name, { shape, optional: false });
  const bias = (name: string, ...shape: number[]): void => void shapes.set(name, { shape, optional: true });
  const norm = (name: string): void => {
    bias(`${name}.w`, s.modelWidth);
    bias(`${name}.b`, s.modelWidth);
  };
  weight("embed.W_E", s.vocabulary, s.modelWidth);
  if (s.positions > 0) weight("pos_embed.W_pos", s.positions, s.modelWidth);
  const shared = s.keyValueHeads === s.heads ? "" : "_";
  for (let block = 0; block < s.layers; block += 1) {
    const attention = `blocks.${block}.attn`;
    norm(`blocks.${block}.ln1`);
    norm(`blocks.${block}.ln2`);
    for (const [mark, part, count] of [["", "Q", s.heads], [shared, "K", s.keyValueHeads], [shared, "V", s.keyValueHeads]] as const) {
      weight(`${attention}.${mark}W_${part}`, count, s.modelWidth, s.headWidth);
      bias(`${attention}.${mark}b_${part}`, count, s.headWidth);
    }
    weight(`${attention}.W_O`, s.heads, s.headWidth, s.modelWidth);
    bias(`${attention}.b_O`, s.modelWidth);
    if (gated) weight(`blocks.${block}.mlp.W_gate`, s.modelWidth, s.hiddenWidth);
    weight(`blocks.${block}.mlp.W_in`, s.modelWidth, s.hiddenWidth);
    bias(`blocks.${block}.mlp.b_in`, s.hiddenWidth);
    weight(`blocks.${block}.mlp.W_out`, s.hiddenWidth, s.modelWidth);
    bias(`blocks.${block}.mlp.b_out`, s.modelWidth);
  }
  norm("ln_final");
  weight("unembed.W_U", s.modelWidth, s.outputs);
  bias("unembed.b_U", s.outputs);
  return shapes;
}

function countBlocks(facts: ModelFacts): number {
  const numbers = new Set(facts.tensors.map(({ name }) => /^blocks\.(\d+)\./.exec(name)?.[1]).filter((one) => one !== undefined).map(Number));
  for (let block = 0; block < numbers.size; block += 1) {
    if (!numbers.has(block)) throw new InputError(`${facts.model} has ${numbers.size} transformer blocks but none with number ${block}: the checkpoint is incomplete.`);
  }
  return numbers.size;
}
