/** @file GPT-Neo as Hugging Face stores it (TinyStories): learned positions, scores that are not scaled, and in some blocks local attention. */

import { InputError } from "../../errors";
import type { ModelFacts, TransformerArchitecture } from "../architecture";
import { familyActivation, headsOf, refuseSpecialModels, transformerArchitecture, unembedding } from "./common";
import type { ConfigFields } from "./configFields";
import { configOf, prefixesOf } from "./family";
import { affine, type AffineSource, type BlockSource, type NormSource } from "./sources";
import { TensorPlan } from "./tensorPlan";

const buffers = /(^|\.)(h\.\d+\.attn\.attention\.(bias|masked_bias)|lm_head\.weight)$/;

/** More kinds of attention than any model has blocks. */
const mostBlocks = 100_000;

/** @throws InputError when tensors or config fields are missing, disagree or are not supported */
export function inferGptNeo(facts: ModelFacts): TransformerArchitecture {
  const config = configOf(facts);
  refuseSpecialModels(config);
  const { outer, inner } = prefixesOf(facts, "wte.weight", "transformer.");
  const plan = new TensorPlan(facts.model, facts.tensors, "GPT-Neo checkpoint", outer);
  const [vocabulary, width] = plan.sizes(`${inner}wte.weight`, 2) as [number, number];
  const [context] = plan.sizes(`${inner}wpe.weight`, 2) as [number];
  const layers = plan.countBlocks(`${inner}h.`);
  const [hiddenWidth] = plan.sizes(`${inner}h.0.mlp.c_fc.weight`, 2) as [number];
  config.agrees("hidden_size", width, `${inner}wte.weight`);
  config.agrees("vocab_size", vocabulary, `${inner}wte.weight`);
  config.agrees("max_position_embeddings", context, `${inner}wpe.weight`);
  config.agrees("num_layers", layers, `${inner}h.${layers - 1}`);
  config.agrees("intermediate_size", hiddenWidth, `${inner}h.0.mlp.c_fc.weight`);
  const heads = headsOf(facts, config, "num_heads", width, `${inner}h.0.attn.attention.q_proj.weight`);

  const norm = (name: string): NormSource => ({ gain: plan.take(`${name}.weight`, [width]), bias: plan.takeIfThere(`${name}.bias`, [width]) });
  const linear = (name: string, inputs: number, outputs: number): AffineSource =>
    affine(plan.take(`${name}.weight`, [outputs, inputs]), plan.takeIfThere(`${name}.bias`, [outputs]));
  const tokens = plan.take(`${inner}wte.weight`, [vocabulary, width]);
  const positions = plan.take(`${inner}wpe.weight`, [context, width]);
  const blocks = Array.from({ length: layers }, (_, index): BlockSource => {
    const name = `${inner}h.${index}`;
    return {
      attentionNorm: norm(`${name}.ln_1`),
      query: linear(`${name}.attn.attention.q_proj`, width, width),
      key: linear(`${name}.attn.attention.k_proj`, width, width),
      value: linear(`${name}.attn.attention.v_proj`, width, width),
      output: linear(`${name}.attn.attention.out_proj`, width, width),
      mlpNorm: norm(`${name}.ln_2`),
      gate: null,
      up: linear(`${name}.mlp.c_fc`, width, hiddenWidth),
      down: linear(`${name}.mlp.c_proj`, hiddenWidth, width),
    };
  });
  return transformerArchitecture(facts, config, plan, {
    family: "gpt-neo", title: "GPT-Neo", heads, keyValueHeads: heads, headWidth: width / heads, width, hiddenWidth, vocabulary, context,
    normalization: { kind: "layer-norm", epsilon: config.positive("layer_norm_epsilon") ?? 1e-5 },
    positions: { kind: "learned" },
    parallel: false, windows: windowsOf(config, layers), scaled: false, gated: false,
    activation: familyActivation(facts, config, "activation_function", "gelu_new"),
    sources: { tokens, positions, blocks, finalNorm: norm(`${inner}ln_f`), unembed: unembedding(facts, config, plan, "lm_head", tokens, { vocabulary, width }, true) },
    buffers, notes: config.file === null ? ["Without config.json, every second block is taken to attend to the last 256 positions only."] : [],
  });
}

/** "attention_types": [[["global", "local"], 4]] means that the two kinds alternate four times. */
function windowsOf(config: ConfigFields, layers: number): (number | null)[] {
  const window = config.count("window_size") ?? 256;
  const written = config.list("attention_layers") ?? expanded(config);
  const kinds = written ?? Array.from({ length: layers }, (_, block) => (block % 2 === 0 ? "global" : "local"));
  if (kinds.length !== layers) throw new InputError(`${config.file} names the attention of ${kinds.length} blocks, but the model has ${layers}: correct "attention_types".`);
  return kinds.map((kind) => {
    if (kind === "global") return null;
    if (kind === "local") return window;
    throw new InputError(`${config.file} names the attention ${JSON.stringify(kind)?.slice(0, 60)}; "global" or "local" is expected: correct "attention_types".`);
  });
}

function expanded(config: ConfigFields): unknown[] | null {
  const types = config.list("attention_types");
  if (types === null) return null;
  const kinds: unknown[] = [];
  for (const group of types) {
    const [pattern, times] = Array.isArray(group) ? group as unknown[] : [];
    if (!Array.isArray(pattern) || !Number.isSafeInteger(times) || (times as number) < 1 || kinds.length + pattern.length * (times as number) > mostBlocks) {
      throw new InputError(`${config.file} says "attention_types": ${JSON.stringify(types)?.slice(0, 60)}; a list such as [[["global", "local"], 4]] is expected: correct it.`);
    }
    for (let time = 0; time < (times as number); time += 1) kinds.push(...pattern as unknown[]);
  }
  return kinds;
}
