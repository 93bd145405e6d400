/** @file What the families of transformers have in common: heads, activation, unembedding, rotary positions, and the finished architecture. */

import type { NormShape, RotaryScaling, RotaryShape } from "../../../core/network/module";
import type { TransformerDescription } from "../../../core/network/transformer/description";
import type { ActivationName } from "../../../protocol/spec";
import { InputError } from "../../errors";
import { activationNamed } from "../activationOf";
import type { ModelFacts, TransformerArchitecture } from "../architecture";
import { lastPosition } from "../lastPosition";
import { listed } from "../mlpChain";
import { defaultNodeLayers } from "../nodeLayers";
import type { ConfigFields } from "./configFields";
import type { TransformerFamily } from "./family";
import { affine, type AffineSource, type TransformerSources } from "./sources";
import type { TensorPlan } from "./tensorPlan";

export interface FoundTransformer {
  readonly family: TransformerFamily;
  /** For the sentence that says what was found, such as "GPT-2". */
  readonly title: string;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  readonly width: number;
  readonly hiddenWidth: number;
  readonly vocabulary: number;
  readonly normalization: NormShape;
  readonly positions: TransformerDescription["positions"];
  /** Largest number of positions. */
  readonly context: number;
  readonly parallel: boolean;
  readonly windows: readonly (number | null)[];
  /** Scores are divided by the root of the head width, unless the spec says otherwise. */
  readonly scaled: boolean;
  readonly gated: boolean;
  readonly activation: ActivationName;
  readonly sources: TransformerSources;
  /** Tensors that are no parameters. */
  readonly buffers: RegExp;
  readonly notes: readonly string[];
}

/** @throws InputError when tensors inside the blocks are left over: the network would not be the one that was trained. */
export function transformerArchitecture(facts: ModelFacts, config: ConfigFields, plan: TensorPlan, found: FoundTransformer): TransformerArchitecture {
  const { spec } = facts;
  const unused = plan.unused(found.buffers);
  const foreign = unused.find((name) => name.startsWith(plan.prefix) && /(^|\.)(h|layers)\.\d+\./.test(name));
  if (foreign !== undefined) {
    throw new InputError(`${facts.model} has the tensor "${foreign}", which ${found.title} has not: it cannot be analysed as one; merge adapters into the weights, or choose another model.`);
  }
  const { heads, headWidth, width, hiddenWidth, activation } = found;
  const layers = found.sources.blocks.length;
  const last = lastPosition(facts);
  return {
    kind: "transformer",
    description: {
      family: found.family,
      normalization: found.normalization,
      finalNorm: true,
      positions: found.positions,
      blockOrder: found.parallel ? "parallel" : "sequential",
      attention: {
        heads, keyValueHeads: found.keyValueHeads, headWidth, windows: found.windows.every((window) => window === null) ? [] : found.windows,
        scaled: spec.scaleAttention ?? found.scaled, causal: spec.causal ?? true,
      },
      mlp: { gated: found.gated, activation, ...(spec.negativeSlope !== undefined ? { negativeSlope: spec.negativeSlope } : {}) },
      lastPositionOnly: last.after,
    },
    sources: found.sources,
    parameters: plan.parameterCount,
    sizes: {
      layers, heads, keyValueHeads: found.keyValueHeads, modelWidth: width, headWidth, hiddenWidth,
      vocabulary: found.vocabulary, outputs: found.vocabulary, positions: found.context,
    },
    how: `${found.title}: ${layers} ${layers === 1 ? "block" : "blocks"}, width ${width}, ${heads} heads of ${headWidth}`
      + `${found.keyValueHeads === heads ? "" : ` on ${found.keyValueHeads} key-value heads`}, hidden width ${hiddenWidth}, ${activation}${config.file === null ? "" : ` (with ${config.file})`}.`,
    tensors: plan.used,
    nodeLayers: defaultNodeLayers(layers, found.vocabulary, true).names,
    notes: [
      ...found.notes,
      ...defaultNodeLayers(layers, found.vocabulary, true).notes,
      ...last.notes,
      ...(unused.length > 0 ? [`Not part of the network and ignored: ${listed(unused)}.`] : []),
    ],
  };
}

/** Checks that hold for every Hugging Face config. @throws InputError */
export function refuseSpecialModels(config: ConfigFields): void {
  if (config.inner("quantization_config") !== null) {
    throw new InputError(`${config.file} says "quantization_config": quantised weights cannot be analysed, use the checkpoint before quantisation.`);
  }
  const head = config.list("architectures")?.find((name) => typeof name === "string" && /For(Sequence|Token|Question|Multiple)/.test(name));
  if (typeof head === "string") throw new InputError(`${config.file} says "architectures": ["${head}"], which ends in a classifier: only language models can be analysed, choose one that predicts tokens.`);
}

/** @throws InputError when neither config nor spec says how many heads there are, or they do not divide `width`, that of all heads together. */
export function headsOf(facts: ModelFacts, config: ConfigFields, names: string, width: number, tensor: string): number {
  const heads = config.count(names) ?? facts.spec.heads ?? null;
  if (heads === null) {
    throw new InputError(`The number of attention heads is not stored with the weights of ${facts.model}: put its config.json beside it, or write {"architecture": {"heads": ...}} in the spec.`);
  }
  if (width % heads === 0) return heads;
  throw new InputError(`${config.file ?? "The spec"} says ${heads} heads, which do not divide the ${width} outputs of the tensor "${tensor}": correct the number of heads.`);
}

/** The config wins over the usual function of the family; the spec wins over both. @throws InputError for an unknown function */
export function familyActivation(facts: ModelFacts, config: ConfigFields, names: string, usual: string): ActivationName {
  return facts.spec.activation ?? activationNamed(config.text(names) ?? usual, config.file ?? facts.model);
}

/**
 * The unembedding: its own tensor, or the transposed token embedding.
 * @param tiedByDefault what a config without "tie_word_embeddings" means
 * @throws InputError when it should be there and is not
 */
export function unembedding(
  facts: ModelFacts, config: ConfigFields, plan: TensorPlan, head: string, tokens: string, sizes: { vocabulary: number; width: number }, tiedByDefault: boolean,
): AffineSource {
  const says = config.flag("tie_word_embeddings");
  const isThere = plan.has(`${head}.weight`);
  const tied = says ?? (config.file === null ? !isThere : tiedByDefault);
  if (tied) return affine(tokens, null);
  if (!isThere) {
    throw new InputError(`${facts.model} has no unembedding "${head}.weight", and ${config.file} does not say that it is tied to the embedding: save the language model with its head, or write "tie_word_embeddings": true in ${config.file}.`);
  }
  return affine(plan.take(`${head}.weight`, [sizes.vocabulary, sizes.width]), plan.takeIfThere(`${head}.bias`, [sizes.vocabulary]));
}

/** Contexts of configs that do not name one: rotary positions have no limit of their own. */
const usualContext = 2048;

/**
 * Rotary positions of a Hugging Face config: "rope_parameters" of newer versions holds what older ones wrote beside it.
 * @throws InputError for a kind of scaling that is not known
 */
export function rotaryPositions(
  config: ConfigFields, headWidth: number, pairing: RotaryShape["pairing"],
  options: { base: readonly string[]; context: string; /** Part of each head that is turned, unless "rope_parameters" says it. */ fraction: number },
): Extract<TransformerDescription["positions"], { kind: "rotary" }> {
  const parameters = config.inner("rope_parameters");
  const fraction = parameters?.positive("partial_rotary_factor") ?? options.fraction;
  const dimensions = Math.trunc(headWidth * fraction);
  if (dimensions < 2 || dimensions % 2 !== 0 || dimensions > headWidth) {
    throw new InputError(`${config.file ?? "The model"} turns ${dimensions} of the ${headWidth} components of a head; an even number of at least 2 is expected: correct the config.`);
  }
  return {
    kind: "rotary",
    rotary: {
      dimensions,
      base: parameters?.positive("rope_theta") ?? config.positive(options.base) ?? 10_000,
      pairing,
      scaling: rotaryScaling(config, parameters ?? config.inner("rope_scaling")),
    },
    context: config.count(options.context) ?? usualContext,
  };
}

function rotaryScaling(config: ConfigFields, fields: ConfigFields | null): RotaryScaling | null {
  const kind = fields?.text(["rope_type", "type"]) ?? "default";
  if (!fields || kind === "default") return null;
  const number = (name: string): number => {
    const value = fields.positive(name);
    if (value === null) throw new InputError(`${config.file} describes rotary scaling "${kind}" without "${name}": add it.`);
    return value;
  };
  if (kind === "linear") return { kind, factor: number("factor") };
  if (kind === "llama3") {
    const scaling = {
      kind, factor: number("factor"), lowFrequencyFactor: number("low_freq_factor"), highFrequencyFactor: number("high_freq_factor"),
      originalPositions: number("original_max_position_embeddings"),
    } as const;
    if (scaling.highFrequencyFactor > scaling.lowFrequencyFactor) return scaling;
    throw new InputError(`${config.file} says "high_freq_factor": ${scaling.highFrequencyFactor}, which must be above "low_freq_factor": ${scaling.lowFrequencyFactor}: correct it.`);
  }
  throw new InputError(`${config.file} describes rotary scaling "${kind.slice(0, 40)}", which cannot be analysed: default, linear and llama3 can.`);
}
