/** @file GPT-NeoX as Hugging Face stores it (Pythia): rotary positions on a part of each head, blocks that may be parallel. */

import type { ModelFacts, TransformerArchitecture } from "../architecture";
import { familyActivation, headsOf, refuseSpecialModels, rotaryPositions, transformerArchitecture, unembedding } from "./common";
import { configOf, prefixesOf } from "./family";
import { affine, type AffineSource, type BlockSource, type NormSource } from "./sources";
import { TensorPlan } from "./tensorPlan";

const buffers = /(^|\.)(layers\.\d+\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)|rotary_emb\.inv_freq|embed_out\.weight)$/;

/** @throws InputError when tensors or config fields are missing, disagree or are not supported */
export function inferGptNeox(facts: ModelFacts): TransformerArchitecture {
  const config = configOf(facts);
  refuseSpecialModels(config);
  const { outer, inner } = prefixesOf(facts, "embed_in.weight", "gpt_neox.");
  const plan = new TensorPlan(facts.model, facts.tensors, "GPT-NeoX checkpoint", outer);
  const [vocabulary, width] = plan.sizes(`${inner}embed_in.weight`, 2) as [number, number];
  const layers = plan.countBlocks(`${inner}layers.`);
  const [hiddenWidth] = plan.sizes(`${inner}layers.0.mlp.dense_h_to_4h.weight`, 2) as [number];
  config.agrees("hidden_size", width, `${inner}embed_in.weight`);
  config.agrees("vocab_size", vocabulary, `${inner}embed_in.weight`);
  config.agrees("num_hidden_layers", layers, `${inner}layers.${layers - 1}`);
  config.agrees("intermediate_size", hiddenWidth, `${inner}layers.0.mlp.dense_h_to_4h.weight`);
  const heads = headsOf(facts, config, "num_attention_heads", width, `${inner}layers.0.attention.dense.weight`);
  const headWidth = width / heads;

  const norm = (name: string): NormSource => ({ gain: plan.take(`${name}.weight`, [width]), bias: plan.takeIfThere(`${name}.bias`, [width]) });
  const linear = (name: string, inputs: number, outputs: number, units: AffineSource["units"] = null): AffineSource =>
    affine(plan.take(`${name}.weight`, [outputs, inputs]), plan.takeIfThere(`${name}.bias`, [outputs]), "out,in", units);
  const tokens = plan.take(`${inner}embed_in.weight`, [vocabulary, width]);
  const blocks = Array.from({ length: layers }, (_, index): BlockSource => {
    const name = `${inner}layers.${index}`;
    // Outputs of the fused map: query, key and value of the first head, then those of the second, ...
    const fused = (part: number): AffineSource => linear(`${name}.attention.query_key_value`, width, 3 * width,
      Array.from({ length: heads }, (_one, head) => [(3 * head + part) * headWidth, headWidth] as const));
    return {
      attentionNorm: norm(`${name}.input_layernorm`),
      query: fused(0),
      key: fused(1),
      value: fused(2),
      output: linear(`${name}.attention.dense`, width, width),
      mlpNorm: norm(`${name}.post_attention_layernorm`),
      gate: null,
      up: linear(`${name}.mlp.dense_h_to_4h`, width, hiddenWidth),
      down: linear(`${name}.mlp.dense_4h_to_h`, hiddenWidth, width),
    };
  });
  // A config without "rotary_pct" means a quarter; without any config that is a guess.
  const fraction = config.positive(["rotary_pct", "partial_rotary_factor"]) ?? 0.25;
  const positions = rotaryPositions(config, headWidth, "halves", { base: ["rotary_emb_base", "rope_theta"], fraction, context: "max_position_embeddings" });
  return transformerArchitecture(facts, config, plan, {
    family: "gpt-neox", title: "GPT-NeoX", heads, keyValueHeads: heads, headWidth, width, hiddenWidth, vocabulary, context: positions.context, positions,
    normalization: { kind: "layer-norm", epsilon: config.positive("layer_norm_eps") ?? 1e-5 },
    parallel: config.flag("use_parallel_residual") ?? true, windows: [], scaled: true, gated: false,
    activation: familyActivation(facts, config, "hidden_act", "gelu"),
    sources: {
      tokens, positions: null, blocks, finalNorm: norm(`${inner}final_layer_norm`),
      unembed: unembedding(facts, config, plan, "embed_out", tokens, { vocabulary, width }, false),
    },
    buffers,
    notes: config.file === null ? ["Without config.json, the usual values of Pythia are assumed: a quarter of each head turned by its position, base 10000, parallel blocks, gelu."] : [],
  });
}
