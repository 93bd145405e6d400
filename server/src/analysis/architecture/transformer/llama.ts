/**
 * @file Llama as Hugging Face stores it, and under the names of its original code, which llama2.c exports have: RMS norm, rotary positions
 * over whole heads, heads that share keys and values, gated MLP. The two differ in which components a rotation pairs.
 */

import type { RotaryShape } from "../../../core/network/module";
import { InputError } from "../../errors";
import type { ModelFacts, TransformerArchitecture } from "../architecture";
import { familyActivation, headsOf, refuseSpecialModels, rotaryPositions, transformerArchitecture, unembedding } from "./common";
import { ConfigFields } from "./configFields";
import { configOf, prefixesOf } from "./family";
import { affine, type AffineSource, type BlockSource, type NormSource } from "./sources";
import { TensorPlan } from "./tensorPlan";

interface Layout {
  readonly title: string;
  /** Before all names but that of the unembedding. */
  readonly inner: string;
  readonly tokens: string;
  readonly names: Readonly<Record<"attentionNorm" | "query" | "key" | "value" | "output" | "mlpNorm" | "gate" | "up" | "down", string>>;
  readonly head: string;
  readonly pairing: RotaryShape["pairing"];
  readonly epsilon: number;
  readonly fields: Readonly<Record<"heads" | "keyValueHeads" | "epsilon" | "context" | "width" | "layers", string>>;
}

const huggingFace: Layout = {
  title: "Llama", inner: "model.", tokens: "embed_tokens", head: "lm_head", pairing: "halves", epsilon: 1e-6,
  names: {
    attentionNorm: "input_layernorm", query: "self_attn.q_proj", key: "self_attn.k_proj", value: "self_attn.v_proj", output: "self_attn.o_proj",
    mlpNorm: "post_attention_layernorm", gate: "mlp.gate_proj", up: "mlp.up_proj", down: "mlp.down_proj",
  },
  fields: {
    heads: "num_attention_heads", keyValueHeads: "num_key_value_heads", epsilon: "rms_norm_eps", context: "max_position_embeddings", width: "hidden_size", layers: "num_hidden_layers",
  },
};

const original: Layout = {
  title: "Llama (names of its original code)", inner: "", tokens: "tok_embeddings", head: "output", pairing: "adjacent", epsilon: 1e-5,
  names: {
    attentionNorm: "attention_norm", query: "attention.wq", key: "attention.wk", value: "attention.wv", output: "attention.wo",
    mlpNorm: "ffn_norm", gate: "feed_forward.w1", up: "feed_forward.w3", down: "feed_forward.w2",
  },
  fields: { heads: "n_heads", keyValueHeads: "n_kv_heads", epsilon: "norm_eps", context: "max_seq_len", width: "dim", layers: "n_layers" },
};

const buffers = /(^|\.)(rotary_emb\.inv_freq|lm_head\.weight|output\.weight|freqs_cos|freqs_sin|rope\.freqs)$/;

/** @throws InputError when tensors or config fields are missing, disagree or are not supported */
export function inferLlama(facts: ModelFacts): TransformerArchitecture {
  const layout = facts.tensors.some(({ name }) => name.endsWith("tok_embeddings.weight")) ? original : huggingFace;
  const { names, fields } = layout;
  const config = layout === original ? originalConfig(facts) : configOf(facts);
  refuseSpecialModels(config);
  config.only("sliding_window", null, "attention to a window is no part of Llama");
  config.only("use_scaled_rope", false, "its rotary scaling is not written down");
  const { outer, inner } = prefixesOf(facts, `${layout.tokens}.weight`, layout.inner);
  const plan = new TensorPlan(facts.model, facts.tensors, "Llama checkpoint", outer);
  const [vocabulary, width] = plan.sizes(`${inner}${layout.tokens}.weight`, 2) as [number, number];
  const layers = plan.countBlocks(`${inner}layers.`);
  const first = (part: keyof Layout["names"]): string => `${inner}layers.0.${names[part]}.weight`;
  const [queries] = plan.sizes(first("query"), 2) as [number];
  const [keys] = plan.sizes(first("key"), 2) as [number];
  const [hiddenWidth] = plan.sizes(first("up"), 2) as [number];
  config.agrees(fields.width, width, `${inner}${layout.tokens}.weight`);
  config.agrees("vocab_size", vocabulary, `${inner}${layout.tokens}.weight`);
  config.agrees(fields.layers, layers, `${inner}layers.${layers - 1}`);
  config.agrees("intermediate_size", hiddenWidth, first("up"));
  const heads = headsOf(facts, config, fields.heads, queries, first("query"));
  const headWidth = queries / heads;
  config.agrees("head_dim", headWidth, first("query"));
  const keyValueHeads = keys / headWidth;
  config.agrees(fields.keyValueHeads, keyValueHeads, first("key"));
  if (!Number.isInteger(keyValueHeads) || heads % keyValueHeads !== 0) {
    throw new InputError(`${facts.model} has keys of ${keys} outputs ("${first("key")}"), which ${heads} heads of ${headWidth} cannot share: check the number of heads in its config.`);
  }

  const norm = (name: string): NormSource => ({ gain: plan.take(`${name}.weight`, [width]), bias: null });
  const linear = (name: string, inputs: number, outputs: number): AffineSource =>
    affine(plan.take(`${name}.weight`, [outputs, inputs]), plan.takeIfThere(`${name}.bias`, [outputs]));
  const tokens = plan.take(`${inner}${layout.tokens}.weight`, [vocabulary, width]);
  const blocks = Array.from({ length: layers }, (_, index): BlockSource => {
    const name = (part: keyof Layout["names"]): string => `${inner}layers.${index}.${names[part]}`;
    return {
      attentionNorm: norm(name("attentionNorm")),
      query: linear(name("query"), width, queries),
      key: linear(name("key"), width, keys),
      value: linear(name("value"), width, keys),
      output: linear(name("output"), queries, width),
      mlpNorm: norm(name("mlpNorm")),
      gate: linear(name("gate"), width, hiddenWidth),
      up: linear(name("up"), width, hiddenWidth),
      down: linear(name("down"), hiddenWidth, width),
    };
  });
  const positions = rotaryPositions(config, headWidth, layout.pairing, { base: ["rope_theta"], context: fields.context, fraction: 1 });
  return transformerArchitecture(facts, config, plan, {
    family: "llama", title: layout.title, heads, keyValueHeads, headWidth, width, hiddenWidth, vocabulary, context: positions.context, positions,
    normalization: { kind: "rms-norm", epsilon: config.positive(fields.epsilon) ?? layout.epsilon },
    parallel: false, windows: [], scaled: true, gated: true,
    activation: familyActivation(facts, config, "hidden_act", "silu"),
    sources: {
      tokens, positions: null, blocks, finalNorm: norm(`${inner}norm`),
      unembed: unembedding(facts, config, plan, layout.head, tokens, { vocabulary, width }, false),
    },
    buffers,
    notes: config.file === null ? [`Without a config, the norms' epsilon is taken to be ${layout.epsilon} and the base of the rotary positions 10000.`] : [],
  });
}

/** What a llama2.c export says in its header, or its training code, whose models are all tied, stores beside the weights. */
function originalConfig(facts: ModelFacts): ConfigFields {
  const header = record(facts.metadata.get("llama2.c"));
  if (header) {
    return new ConfigFields("the header", {
      n_heads: header["heads"], n_kv_heads: header["keyValueHeads"], max_seq_len: header["context"], tie_word_embeddings: header["tied"],
    });
  }
  const written = record(facts.metadata.get("model_args"));
  return written ? new ConfigFields("model_args", { ...written, tie_word_embeddings: true }) : new ConfigFields(null, {});
}

function record(value: unknown): Record<string, unknown> | null {
  if (value instanceof Map) return Object.fromEntries([...value].filter(([key]) => typeof key === "string")) as Record<string, unknown>;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null;
}
