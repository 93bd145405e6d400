/** @file GPT-2 as Hugging Face stores it: learned positions, fused query, key and value, weights [in, out]. */

import type { ModelFacts, TransformerArchitecture } from "../architecture";
import { familyActivation, headsOf, refuseSpecialModels, transformerArchitecture, unembedding } from "./common";
import { configOf, prefixesOf } from "./family";
import { affine, type AffineSource, type BlockSource, type NormSource } from "./sources";
import { TensorPlan } from "./tensorPlan";

/** Masks, and the copy of the tied unembedding. */
const buffers = /(^|\.)(h\.\d+\.attn\.(bias|masked_bias)|lm_head\.weight)$/;

/** @throws InputError when tensors or config fields are missing, disagree or are not supported */
export function inferGpt2(facts: ModelFacts): TransformerArchitecture {
  const config = configOf(facts);
  refuseSpecialModels(config);
  config.only("add_cross_attention", false, "attention to an encoder is no part of a language model");
  const { outer, inner } = prefixesOf(facts, "wte.weight", "transformer.");
  const plan = new TensorPlan(facts.model, facts.tensors, "GPT-2 checkpoint", outer);
  const [vocabulary, width] = plan.sizes(`${inner}wte.weight`, 2) as [number, number];
  const [context] = plan.sizes(`${inner}wpe.weight`, 2) as [number];
  const layers = plan.countBlocks(`${inner}h.`);
  const [, hiddenWidth] = plan.sizes(`${inner}h.0.mlp.c_fc.weight`, 2) as [number, number];
  config.agrees("n_embd", width, `${inner}wte.weight`);
  config.agrees("vocab_size", vocabulary, `${inner}wte.weight`);
  config.agrees("n_positions", context, `${inner}wpe.weight`);
  config.agrees("n_layer", layers, `${inner}h.${layers - 1}`);
  config.agrees("n_inner", hiddenWidth, `${inner}h.0.mlp.c_fc.weight`);
  const heads = headsOf(facts, config, "n_head", width, `${inner}h.0.attn.c_attn.weight`);
  const byBlockNumber = config.flag("scale_attn_by_inverse_layer_idx") ?? false;

  const norm = (name: string): NormSource => ({ gain: plan.take(`${name}.weight`, [width]), bias: plan.takeIfThere(`${name}.bias`, [width]) });
  const linear = (name: string, inputs: number, outputs: number, units: AffineSource["units"] = null, factor = 1): AffineSource =>
    affine(plan.take(`${name}.weight`, [inputs, outputs]), plan.takeIfThere(`${name}.bias`, [outputs]), "in,out", units, factor);
  const tokens = plan.take(`${inner}wte.weight`, [vocabulary, width]);
  const positions = plan.take(`${inner}wpe.weight`, [context, width]);
  const blocks = Array.from({ length: layers }, (_, index): BlockSource => {
    const name = `${inner}h.${index}`;
    const third = (part: number, factor = 1): AffineSource => linear(`${name}.attn.c_attn`, width, 3 * width, [[part * width, width]], factor);
    return {
      attentionNorm: norm(`${name}.ln_1`),
      // A scale of the scores that depends on the block is that of its queries.
      query: third(0, byBlockNumber ? 1 / (index + 1) : 1),
      key: third(1),
      value: third(2),
      output: linear(`${name}.attn.c_proj`, width, width),
      mlpNorm: norm(`${name}.ln_2`),
      gate: null,
      up: linear(`${name}.mlp.c_fc`, width, hiddenWidth),
      down: linear(`${name}.mlp.c_proj`, hiddenWidth, width),
    };
  });
  return transformerArchitecture(facts, config, plan, {
    family: "gpt2", title: "GPT-2", heads, keyValueHeads: heads, headWidth: width / heads, width, hiddenWidth, vocabulary, context,
    normalization: { kind: "layer-norm", epsilon: config.positive("layer_norm_epsilon") ?? 1e-5 },
    positions: { kind: "learned" },
    parallel: false, windows: [], scaled: config.flag("scale_attn_weights") ?? true, gated: false,
    activation: familyActivation(facts, config, "activation_function", "gelu_new"),
    sources: { tokens, positions, blocks, finalNorm: norm(`${inner}ln_f`), unembed: unembedding(facts, config, plan, "lm_head", tokens, { vocabulary, width }, true) },
    buffers, notes: [],
  });
}
