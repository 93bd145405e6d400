/** @file Transformers whose state dict uses the names of TransformerLens: `blocks.N.attn.W_Q` and so on. */

import { InputError } from "../errors";
import { activationOf } from "./activationOf";
import type { ModelFacts, TransformerLensArchitecture } from "./architecture";
import { listed } from "./mlpChain";

const signature = ["embed.W_E", "blocks.0.attn.W_Q", "unembed.W_U"];

/** Buffers that such checkpoints carry beside their parameters. */
const buffers = /^(hook_|.*\.hook_|blocks\.\d+\.attn\.(mask|IGNORE|rotary_sin|rotary_cos)$)/;

export function looksLikeTransformerLens(facts: ModelFacts): boolean {
  const prefix = facts.spec.prefix ?? "";
  return signature.every((name) => facts.tensors.some((tensor) => tensor.name === prefix + name));
}

/** @throws InputError when tensors are missing or disagree, in one sentence that names both. */
export function inferTransformerLens(facts: ModelFacts): TransformerLensArchitecture {
  const { sidecar, spec } = facts;
  const shapes = new Map(facts.tensors.map(({ name, shape }) => [name, shape]));
  const prefix = spec.prefix ?? "";
  if (prefix !== "") throw new InputError(`"architecture.prefix" is not possible with family "transformer-lens": save the state dict of the inner model of ${facts.model}.`);
  const shapeOf = (name: string, axes: number): readonly number[] => {
    const shape = shapes.get(name);
    if (!shape) throw new InputError(`${facts.model} looks like a TransformerLens checkpoint but has no "${name}": name the family in "architecture" if it is another kind of network.`);
    if (shape.length !== axes) throw new InputError(`${facts.model} looks like a TransformerLens checkpoint, but "${name}" is [${shape.join(", ")}] and TransformerLens stores ${axes} axes there: convert the weights to its layout.`);
    return shape;
  };
  const [positions, modelWidth] = shapeOf("pos_embed.W_pos", 2) as [number, number];
  const layers = countBlocks(facts);
  const [heads, , headWidth] = shapeOf("blocks.0.attn.W_Q", 3) as [number, number, number];
  const [vocabulary] = shapeOf("embed.W_E", 2) as [number, number];
  const [, outputs] = shapeOf("unembed.W_U", 2) as [number, number];
  const [, hiddenWidth] = shapeOf("blocks.0.mlp.W_in", 2) as [number, number];
  const expected = expectedShapes(layers, { modelWidth, heads, headWidth, hiddenWidth, vocabulary, outputs, positions });
  for (const [name, { shape, optional }] of expected) {
    if (optional && !shapes.has(name)) continue;
    const found = shapeOf(name, shape.length);
    if (found.join() !== shape.join()) {
      throw new InputError(
        `${facts.model} has the tensor names of TransformerLens but not its layout: "${name}" is [${found.join(", ")}] where [${shape.join(", ")}] is expected `
        + `(width ${modelWidth} from pos_embed.W_pos, ${heads} heads of ${headWidth} from blocks.0.attn.W_Q). Save the weights transposed to TransformerLens' layout.`,
      );
    }
  }
  const unused = facts.tensors.filter(({ name }) => !expected.has(name) && !buffers.test(name)).map(({ name }) => name);
  const norms = unused.filter((name) => /(^|\.)ln(1|2|_final)\./.test(name));
  const written = sidecar?.text("model.normalization_type", "normalization_type") ?? null;
  const normalization = written ?? (norms.length > 0 ? "LN" : null);
  const normalizationKnown = norms.length > 0 || sidecar?.has("model.normalization_type") || sidecar?.has("normalization_type");
  const activation = activationOf(facts);
  const last = lastPosition(facts);
  const ignored = unused.filter((name) => !norms.includes(name));
  return {
    kind: "transformer-lens",
    description: {
      activation: activation.name,
      ...(activation.negativeSlope !== null ? { negativeSlope: activation.negativeSlope } : {}),
      normalization,
      scaleAttention: spec.scaleAttention ?? sidecar?.flag("model.use_attn_scale", "use_attn_scale") ?? true,
      causal: spec.causal ?? sidecar?.text("model.attention_dir", "attention_dir") !== "bidirectional",
      lastPositionOnly: last.after,
    },
    sizes: { layers, heads, modelWidth, headWidth, hiddenWidth, vocabulary, outputs, positions },
    how: `TransformerLens layout: ${layers} ${layers === 1 ? "block" : "blocks"}, width ${modelWidth}, ${heads} heads of ${headWidth}, hidden width ${hiddenWidth}, ${activation.name}`
      + `${sidecar ? ` (with ${sidecar.name})` : ""}.`,
    tensors: [...expected.keys()].filter((name) => shapes.has(name)),
    nodeLayers: [...Array.from({ length: layers }, (_, block) => [`ln1.${block}`, `ln2.${block}`]).flat(), "unembed", "output"],
    notes: [
      ...(activation.note !== null ? [activation.note] : []),
      ...(normalizationKnown ? [] : ["Whether the model normalises is not stored with the weights: no normalisation is assumed. A config.yaml beside it can say \"normalization_type\"."]),
      ...last.notes,
      ...(ignored.length > 0 ? [`Not part of the network and ignored: ${listed(ignored)}.`] : []),
    ],
  };
}

interface Sizes { modelWidth: number; heads: number; headWidth: number; hiddenWidth: number; vocabulary: number; outputs: number; positions: number }

function expectedShapes(layers: number, s: Sizes): Map<string, { shape: number[]; optional: boolean }> {
  const shapes = new Map<string, { shape: number[]; optional: boolean }>();
  const weight = (name: string, ...shape: number[]): void => void shapes.set(name, { shape, optional: false });
  const bias = (name: string, ...shape: number[]): void => void shapes.set(name, { shape, optional: true });
  weight("embed.W_E", s.vocabulary, s.modelWidth);
  weight("pos_embed.W_pos", s.positions, s.modelWidth);
  for (let block = 0; block < layers; block += 1) {
    const attention = `blocks.${block}.attn`;
    for (const part of ["Q", "K", "V"]) {
      weight(`${attention}.W_${part}`, s.heads, s.modelWidth, s.headWidth);
      bias(`${attention}.b_${part}`, s.heads, s.headWidth);
    }
    weight(`${attention}.W_O`, s.heads, s.headWidth, s.modelWidth);
    bias(`${attention}.b_O`, s.modelWidth);
    weight(`blocks.${block}.mlp.W_in`, s.modelWidth, s.hiddenWidth);
    bias(`blocks.${block}.mlp.b_in`, s.hiddenWidth);
    weight(`blocks.${block}.mlp.W_out`, s.hiddenWidth, s.modelWidth);
    bias(`blocks.${block}.mlp.b_out`, s.modelWidth);
  }
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

/** Modular addition is read off at the last position (method section 1.3). */
function lastPosition(facts: ModelFacts): { after: string | null; notes: string[] } {
  if (facts.lastPositionOnly !== null) return { after: facts.lastPositionOnly, notes: [] };
  if (facts.data?.kind !== "modular-addition") return { after: null, notes: [] };
  return { after: "add_resid1", notes: ["Only the last position is kept after attention, as modular addition is read off there."] };
}
