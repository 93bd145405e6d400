/** @file What a TransformerLens config says beside the weights: normalisation, positions, order of the blocks, attention. */

import type { RotaryScaling } from "../../core/network/module";
import type { TransformerPositions } from "../../core/network/transformer/description";
import { InputError } from "../errors";
import type { ModelFacts, TransformerSizes } from "./architecture";
import type { ConfigFields } from "./transformer/configFields";

export interface LensOptions {
  readonly normalization: string | null;
  readonly epsilon: number;
  readonly positions: TransformerPositions;
  readonly context: number;
  readonly parallel: boolean;
  readonly windows: readonly (number | null)[];
  readonly scaled: boolean;
  readonly notes: readonly string[];
}

const normalizations = ["LN", "LNPre", "RMS", "RMSPre"];

/** @throws InputError for a field with a wrong or an unsupported value */
export function lensOptions(config: ConfigFields, facts: ModelFacts, shapes: ReadonlyMap<string, readonly number[]>, sizes: TransformerSizes): LensOptions {
  config.agrees("n_layers", sizes.layers, `blocks.${sizes.layers - 1}`);
  config.agrees("d_model", sizes.modelWidth, "embed.W_E");
  config.agrees("n_heads", sizes.heads, "blocks.0.attn.W_Q");
  config.agrees("d_head", sizes.headWidth, "blocks.0.attn.W_Q");
  config.only("attn_only", false, "it has no MLPs");
  config.only("scale_attn_by_inverse_layer_idx", false, "its scores are scaled by the number of the block");
  config.only("post_embedding_ln", false, "it normalises the embedding");
  config.only("use_normalization_before_and_after", false, "it normalises the outputs of its blocks");
  config.only("use_qk_norm", false, "it normalises queries and keys");
  config.only("load_in_4bit", false, "its weights are quantised");
  config.only("num_experts", null, "it is a mixture of experts");
  config.only("attn_scores_soft_cap", -1, "its scores are capped");
  config.only("output_logits_soft_cap", -1, "its logits are capped");
  const normalization = normalizationOf(config, facts, shapes);
  if (normalization.name === null || normalization.name.startsWith("LN")) config.only("final_rms", false, "its last norm is of another kind");
  const positions = positionsOf(config, facts, shapes, sizes);
  return {
    normalization: normalization.name,
    epsilon: config.positive("eps") ?? 1e-5,
    positions: positions.positions,
    context: positions.positions.kind === "learned" ? sizes.positions : positions.positions.context,
    parallel: config.flag("parallel_attn_mlp") ?? false,
    windows: windowsOf(config, sizes.layers),
    scaled: isScaled(config, sizes.headWidth),
    notes: [...normalization.notes, ...positions.notes],
  };
}

function normalizationOf(config: ConfigFields, facts: ModelFacts, shapes: ReadonlyMap<string, unknown>): { name: string | null; notes: string[] } {
  const written = config.text("normalization_type");
  if (written !== null && !normalizations.includes(written)) {
    throw new InputError(`${config.file} says "normalization_type": ${JSON.stringify(written.slice(0, 40))}, which cannot be analysed: ${normalizations.join(", ")} and null can.`);
  }
  const hasGain = shapes.has("blocks.0.ln1.w");
  if (written !== null || !hasGain) {
    const isKnown = config.file !== null && config.has("normalization_type");
    return { name: written, notes: isKnown ? [] : ["Whether the model normalises is not stored with the weights: no normalisation is assumed. A config.yaml beside it can say \"normalization_type\"."] };
  }
  if (config.has("normalization_type")) throw new InputError(`${config.file} says "normalization_type": null, but ${facts.model} has the tensor "blocks.0.ln1.w": put the config of this checkpoint beside it.`);
  return shapes.has("blocks.0.ln1.b") ? { name: "LN", notes: [] }
    : { name: "RMS", notes: ["The norms have gains and no biases: RMS norm is assumed. A config.yaml beside the model can say \"normalization_type\"."] };
}

function positionsOf(
  config: ConfigFields, facts: ModelFacts, shapes: ReadonlyMap<string, readonly number[]>, sizes: TransformerSizes,
): { positions: TransformerPositions; notes: string[] } {
  const table = shapes.get("blocks.0.attn.rotary_sin");
  const written = config.text("positional_embedding_type");
  const kind = written ?? (sizes.positions > 0 ? "standard" : table ? "rotary" : null);
  if (kind === "standard") {
    if (sizes.positions > 0) return { positions: { kind: "learned" }, notes: [] };
    throw new InputError(`${config.file} says "positional_embedding_type": "standard", but ${facts.model} has no "pos_embed.W_pos": put the config of this checkpoint beside it.`);
  }
  const context = config.count("n_ctx") ?? table?.[0] ?? shapes.get("blocks.0.attn.mask")?.[0] ?? null;
  if (context === null || kind === null) {
    throw new InputError(`${facts.model} has no "pos_embed.W_pos": put its config beside it, which says "positional_embedding_type" and "n_ctx".`);
  }
  if (kind === "none") return { positions: { kind: "none", context }, notes: [] };
  if (kind !== "rotary") throw new InputError(`${config.file} says "positional_embedding_type": ${JSON.stringify(kind.slice(0, 40))}, which cannot be analysed: standard, rotary and none can.`);
  const dimensions = config.count("rotary_dim") ?? table?.[1] ?? sizes.headWidth;
  if (dimensions % 2 !== 0 || dimensions > sizes.headWidth) {
    throw new InputError(`${config.file ?? facts.model} turns ${dimensions} of the ${sizes.headWidth} components of a head; an even number of them is expected: correct "rotary_dim".`);
  }
  return {
    positions: {
      kind: "rotary",
      rotary: {
        dimensions, base: config.positive("rotary_base") ?? 10_000, pairing: config.flag("rotary_adjacent_pairs") ? "adjacent" : "halves", scaling: scalingOf(config),
      },
      context,
    },
    notes: written === null ? ["The model turns its queries and keys by position; base 10000 and pairs of halves are assumed. A config.yaml beside it can say \"rotary_base\" and \"rotary_adjacent_pairs\"."] : [],
  };
}

function scalingOf(config: ConfigFields): RotaryScaling | null {
  if (!config.flag("use_NTK_by_parts_rope")) return null;
  return {
    kind: "llama3",
    factor: config.positive("NTK_by_parts_factor") ?? 8,
    lowFrequencyFactor: config.positive("NTK_by_parts_low_freq_factor") ?? 1,
    highFrequencyFactor: config.positive("NTK_by_parts_high_freq_factor") ?? 4,
    originalPositions: config.positive("NTK_original_ctx_len") ?? 8192,
  };
}

function windowsOf(config: ConfigFields, layers: number): (number | null)[] {
  const kinds = config.list("attn_types");
  if (kinds === null) return [];
  const window = config.count("window_size");
  const isLocal = kinds.includes("local");
  if ((isLocal && window === null) || kinds.length !== layers || kinds.some((kind) => kind !== "global" && kind !== "local")) {
    throw new InputError(`${config.file} says "attn_types": ${JSON.stringify(kinds)?.slice(0, 60)}; "global" or "local" for each of the ${layers} blocks, and "window_size" for local ones, are expected: correct it.`);
  }
  return isLocal ? kinds.map((kind) => (kind === "local" ? window : null)) : [];
}

/** "attn_scale" is what scores are divided by; -1 stands for the root of the head width. */
function isScaled(config: ConfigFields, headWidth: number): boolean {
  const scaled = config.flag("use_attn_scale") ?? true;
  const divisor = config.number("attn_scale") ?? -1;
  if (!scaled || divisor === -1 || Math.abs(divisor - Math.sqrt(headWidth)) < 1e-6 * divisor) return scaled;
  if (divisor === 1) return false;
  throw new InputError(`${config.file} says "attn_scale": ${divisor}; only the root of the head width (${Math.sqrt(headWidth)}) and 1 can be analysed: choose another model.`);
}
