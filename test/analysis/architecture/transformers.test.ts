import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ModelFacts, TransformerArchitecture, TransformerLensArchitecture } from "../../../server/src/analysis/architecture/architecture";
import { inferArchitecture } from "../../../server/src/analysis/architecture/inferArchitecture";
import { Sidecar } from "../../../server/src/analysis/architecture/sidecar";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { openModel, openModelFrom, weightsFile } from "../../../server/src/formats/openModel";
import { llama2cExport, smallExport } from "../../formats/llama2c/exports";

const fixtures = join(__dirname, "../../fixtures/families");

type Config = Record<string, unknown>;
interface Changes { config?: Config | null; tensors?: (facts: ModelFacts["tensors"]) => ModelFacts["tensors"]; spec?: ModelFacts["spec"] }

/** The facts of a fixture with some fields of its config replaced. */
async function factsOf(name: string, { config = {}, tensors = (all) => all, spec = {} }: Changes = {}): Promise<ModelFacts> {
  const file = await openModel(await weightsFile(join(fixtures, name)));
  await file.close();
  const stored = JSON.parse(readFileSync(join(fixtures, name, "config.json"), "utf8")) as Config;
  const merged = { ...stored, ...config };
  const isLens = name.startsWith("lens");
  return {
    model: name, tensors: tensors(file.tensors), spec, lastPositionOnly: null, data: null,
    metadata: new Map(config === null || isLens ? [] : [["config", merged]]),
    sidecar: config !== null && isLens ? new Sidecar("config.json", merged) : null,
  };
}

const infer = async (name: string, changes: Changes = {}): Promise<TransformerArchitecture> => inferArchitecture(await factsOf(name, changes)) as TransformerArchitecture;
const lens = async (name: string, changes: Changes = {}): Promise<TransformerLensArchitecture> => inferArchitecture(await factsOf(name, changes)) as TransformerLensArchitecture;

const renamed = (from: RegExp, to: string) => (tensors: ModelFacts["tensors"]): ModelFacts["tensors"] => tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace(from, to) }));

describe("families of language models", () => {
  it.each([["gpt2", "gpt2"], ["gpt-neo", "gpt-neo"], ["llama", "llama"]])("%s: told by tensor names alone, once the number of heads is known", async (name, family) => {
    await expect(infer(name, { config: null })).rejects.toThrow("number of attention heads is not stored");
    const known = await infer(name);
    const guessed = await infer(name, { config: null, spec: { heads: known.description.attention.heads } });
    expect(guessed.description.family).toBe(family);
    expect(guessed.sources).toEqual(known.sources);
    expect(guessed.sizes).toEqual({ ...known.sizes, positions: guessed.sizes.positions });
  });

  it("are found behind the prefix of a wrapping module, and without the prefix of their own", async () => {
    const plain = await infer("gpt2");
    const wrapped = await infer("gpt2", { tensors: renamed(/^/, "model.net.") });
    expect(wrapped.tensors).toEqual(plain.tensors.map((name) => `model.net.${name}`));
    const bare = await infer("gpt2", { tensors: renamed(/^transformer\./, "") });
    expect(bare.tensors).toEqual(plain.tensors.map((name) => name.replace("transformer.", "")));
    const untied = await infer("llama-biased", { tensors: renamed(/^/, "module.") });
    expect(untied.sources.unembed.weight).toBe("module.lm_head.weight");
  });

  it("take two with different prefixes apart by the spec's", async () => {
    const two = (tensors: ModelFacts["tensors"]): ModelFacts["tensors"] => [...renamed(/^/, "teacher.")(tensors), ...renamed(/^/, "student.")(tensors)];
    const found = await infer("gpt2", { tensors: two, spec: { prefix: "student." } });
    expect(found.tensors.every((name) => name.startsWith("student."))).toBe(true);
    expect(found.notes.join()).toContain("ignored: teacher.");
  });

  it("read what newer configs write in rope_parameters", async () => {
    const rope = { rotary_pct: undefined, rotary_emb_base: undefined, rope_parameters: { rope_type: "default", rope_theta: 500, partial_rotary_factor: 0.5 } };
    expect((await infer("gpt-neox", { config: rope })).description.positions).toMatchObject({ kind: "rotary", rotary: { dimensions: 2, base: 500, pairing: "halves", scaling: null } });
    expect((await infer("llama", { config: { rope_scaling: { type: "linear", factor: 4 } } })).description.positions).toMatchObject({ rotary: { scaling: { kind: "linear", factor: 4 } } });
  });

  it("of llama2.c pair adjacent components, those of Hugging Face halves", async () => {
    const file = await openModelFrom(memorySource(llama2cExport(smallExport, 0), "model.bin"));
    const found = inferArchitecture({ model: "model.bin", tensors: file.tensors, metadata: file.metadata, sidecar: null, spec: {}, lastPositionOnly: null, data: null }) as TransformerArchitecture;
    expect(found.description.positions).toMatchObject({ kind: "rotary", context: 3, rotary: { pairing: "adjacent", dimensions: 2 } });
    expect(found.description).toMatchObject({ normalization: { kind: "rms-norm", epsilon: 1e-5 }, attention: { heads: 4, keyValueHeads: 2 } });
    expect((await infer("llama")).description.positions).toMatchObject({ rotary: { pairing: "halves" } });
  });

  it("of llama2.c's training code say their heads in model_args, and are tied though both tables are stored", async () => {
    const file = await openModelFrom(memorySource(llama2cExport(smallExport, 1), "model.bin"));
    const metadata = new Map([["model_args", new Map<string, unknown>([["dim", 8], ["n_layers", 2], ["n_heads", 4], ["n_kv_heads", 2], ["max_seq_len", 32], ["norm_eps", 1e-6]])]]);
    const tensors = file.tensors.map((tensor) => ({ ...tensor, name: `_orig_mod.${tensor.name}` }));
    const found = inferArchitecture({ model: "ckpt.pt", tensors, metadata, sidecar: null, spec: {}, lastPositionOnly: null, data: null }) as TransformerArchitecture;
    expect(found.description).toMatchObject({ attention: { heads: 4, keyValueHeads: 2 }, normalization: { epsilon: 1e-6 }, positions: { context: 32 } });
    expect(found.sources.unembed).toMatchObject({ weight: "_orig_mod.tok_embeddings.weight", order: "out,in" });
    expect(found.notes).toEqual([]);
  });

  it("obey the spec where it says something else than the config", async () => {
    const found = await infer("gpt2", { spec: { activation: "relu", scaleAttention: false, causal: false } });
    expect(found.description).toMatchObject({ mlp: { activation: "relu" }, attention: { scaled: false, causal: false } });
  });

  const refusals: [string, Changes, string][] = [
    ["gpt2", { config: { n_head: 5 } }, "5 heads, which do not divide the 12 outputs"],
    ["gpt2", { config: { n_head: 2.5 } }, '"n_head": 2.5; a whole number from 1 is expected'],
    ["gpt2", { config: { n_embd: 768 } }, '"n_embd": 768, but the tensor "transformer.wte.weight" says 12'],
    ["gpt2", { config: { n_layer: 3 } }, '"n_layer": 3, but the tensor "transformer.h.1" says 2'],
    ["gpt2", { config: { layer_norm_epsilon: -1 } }, '"layer_norm_epsilon": -1; a number above 0 is expected'],
    ["gpt2", { config: { activation_function: "quick_gelu" } }, 'names the activation "quick_gelu"'],
    ["gpt2", { config: { add_cross_attention: true } }, "attention to an encoder"],
    ["gpt2", { config: { quantization_config: { bits: 4 } } }, "quantised weights cannot be analysed"],
    ["gpt2", { config: { architectures: ["GPT2ForSequenceClassification"] } }, "ends in a classifier"],
    ["gpt2", { config: { tie_word_embeddings: false } }, 'has no unembedding "lm_head.weight"'],
    ["gpt2", { tensors: (all) => all.filter(({ name }) => !name.includes("h.1.mlp.c_fc.weight")) }, 'has no tensor "transformer.h.1.mlp.c_fc.weight"'],
    ["gpt2", { tensors: (all) => all.filter(({ name }) => !name.includes("h.0.")) }, "none with number 0"],
    ["gpt2", { tensors: (all) => all.map((one) => (one.name.endsWith("c_proj.weight") ? { ...one, shape: [...one.shape].reverse().slice(0, 1) } : one)) }, "is expected"],
    ["gpt2", { tensors: (all) => all.map((one) => (one.name.endsWith("c_fc.weight") ? { ...one, dtype: "int8" as const } : one)) }, "is of type int8: quantised weights"],
    ["gpt2", { tensors: (all) => [...all, { name: "transformer.h.0.attn.c_attn.lora_A.weight", shape: [4, 12], dtype: "float32" as const }] }, "merge adapters into the weights"],
    ["gpt-neo", { config: { attention_types: [[["global", "local"], 2]] } }, "attention of 4 blocks, but the model has 2"],
    ["gpt-neo", { config: { attention_types: [[["global", "sparse"], 1]] } }, '"sparse"'],
    ["gpt-neo", { config: { attention_types: [["global"]] } }, "a list such as"],
    ["gpt-neo", { config: { attention_types: [[["global"], 1e9]] } }, "a list such as"],
    ["gpt-neox", { config: null, spec: { heads: 3 } }, "turns 1 of the 4 components of a head"],
    ["gpt-neox", { config: { rotary_pct: 0.25 } }, "turns 1 of the 4 components of a head"],
    ["gpt-neox", { config: { use_parallel_residual: "yes" } }, "true or false is expected"],
    ["llama", { config: { rope_scaling: { rope_type: "yarn", factor: 4 } } }, 'rotary scaling "yarn", which cannot be analysed'],
    ["llama", { config: { rope_scaling: { rope_type: "linear" } } }, 'without "factor"'],
    ["llama-scaled", { config: { rope_scaling: { rope_type: "llama3", factor: 8, low_freq_factor: 4, high_freq_factor: 1, original_max_position_embeddings: 16 } } }, "must be above"],
    ["llama", { config: { sliding_window: 4096 } }, "attention to a window"],
    ["llama", { config: { num_key_value_heads: 4 } }, '"num_key_value_heads": 4, but the tensor "model.layers.0.self_attn.k_proj.weight" says 2'],
    ["llama", { config: { model_type: "mistral" } }, '"model_type": "mistral"'],
    ["lens-layer-norm", { config: { normalization_type: null } }, '"normalization_type": null, but'],
    ["lens-layer-norm", { config: { normalization_type: "BN" } }, '"normalization_type": "BN"'],
    ["lens-layer-norm", { config: { attn_types: ["global"] } }, "for each of the 2 blocks"],
    ["lens-layer-norm", { config: { attn_scale: 8 } }, '"attn_scale": 8'],
    ["lens-layer-norm", { config: { attn_only: true } }, "it has no MLPs"],
    ["lens-layer-norm", { config: { attn_scores_soft_cap: 50 } }, "its scores are capped"],
    ["lens-folded", { config: { positional_embedding_type: "alibi" } }, '"positional_embedding_type": "alibi"'],
    ["lens-folded", { config: { positional_embedding_type: "standard" } }, 'has no "pos_embed.W_pos"'],
    ["lens-folded", { config: { rotary_dim: 3 } }, "turns 3 of the 4 components"],
    ["lens-rms", { config: { d_head: 8 } }, '"d_head": 8, but the tensor "blocks.0.attn.W_Q" says 4'],
    ["lens-rms", { config: { act_fn: "solu_ln" } }, 'names the activation "solu_ln"'],
  ];
  it.each(refusals)("%s with %j is refused with one sentence", async (name, changes, words) => {
    const error = await infer(name, changes).then(() => null, (one: unknown) => one as Error);
    expect(error?.name).toBe("InputError");
    expect(error?.message).toContain(words);
    expect(error?.message).toMatch(/^[^\n]+[.]$/);
  });
});

describe("TransformerLens checkpoints with norms", () => {
  it("without a config tell layer norm from RMS norm by their parameters, and say what is assumed", async () => {
    expect((await lens("lens-layer-norm", { config: null })).description).toMatchObject({ normalization: "LN", positions: { kind: "learned" } });
    const found = inferArchitecture(await factsOf("lens-rms", {
      config: null, tensors: (all) => [...all, { name: "blocks.0.attn.rotary_sin", shape: [8, 4], dtype: "float32" as const }],
    })) as TransformerLensArchitecture;
    expect(found.description).toMatchObject({ normalization: "RMS", positions: { kind: "rotary", context: 8, rotary: { dimensions: 4, pairing: "halves" } } });
    expect(found.notes.join()).toContain("RMS norm is assumed");
    expect(found.notes.join()).toContain("base 10000");
  });

  it("read the config from a section \"model\", too", async () => {
    const facts = await factsOf("lens-rms");
    const stored = JSON.parse(readFileSync(join(fixtures, "lens-rms", "config.json"), "utf8")) as Config;
    const nested = inferArchitecture({ ...facts, sidecar: new Sidecar("config.yaml", { model: stored, seed: 1 }) });
    expect((nested as TransformerLensArchitecture).description).toEqual((inferArchitecture(facts) as TransformerLensArchitecture).description);
  });
});
