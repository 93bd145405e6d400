import { expect, it } from "vitest";
import type { TensorInfo } from "../../server/src/formats/modelFile";
import { nodeLayerOf, readsNodeLayer } from "../../server/src/language/nodeLayers";
import type { ResultMetadata } from "../../server/src/protocol/result";
import { fixtureMetadata } from "./fixtureResult";

function tensors(shapes: Record<string, number[]>): TensorInfo[] {
  return Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: "float32" }));
}

function withLayers(...layers: [name: string, dimension: number][]): ResultMetadata {
  const result = fixtureMetadata("m", "2026-01-01T00:00:00Z");
  return { ...result, layers: layers.map(([name, dimension], index) => ({ index, name, dimension, kept: 0, lambda: [], gramEigenvalues: [], gramRank: 0 })) };
}

it("names the input of affine layer i, in the order of numbers and not of text", () => {
  const shapes = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`net.${2 * i}.weight`, [5, 5]]));
  const result = withLayers(...Array.from({ length: 12 }, (_, i): [string, number] => [`layers.${i}`, 6]));
  expect(nodeLayerOf(["net.20.weight", "net.20.bias"], tensors(shapes), result)).toMatchObject({ role: "input", layer: { name: "layers.10" } });
  expect(nodeLayerOf(["net.2.bias"], tensors(shapes), result)?.layer.name).toBe("layers.1");
});

it("accepts both orientations of a weight and refuses a width that does not fit", () => {
  const result = withLayers(["layers.0", 785]);
  expect(nodeLayerOf(["fc1.weight"], tensors({ "fc1.weight": [100, 784] }), result)?.layer.name).toBe("layers.0");
  expect(nodeLayerOf(["fc1.W"], tensors({ "fc1.W": [784, 100] }), result)?.layer.name).toBe("layers.0");
  expect(nodeLayerOf(["fc1.weight"], tensors({ "fc1.weight": [100, 500] }), result)).toBeNull();
});

it("maps the parts of a transformer: attention, MLP, unembedding and what writes the first layer", () => {
  const all = tensors({ "embed.W_E": [54, 64], "blocks.0.attn.W_Q": [4, 64, 16], "blocks.0.mlp.W_in": [64, 256], "unembed.W_U": [64, 54] });
  const result = withLayers(["ln1.0", 65], ["ln2.0", 65], ["unembed", 65], ["output", 54]);
  const named = (name: string): [string, string] | null => {
    const role = nodeLayerOf([name], all, result);
    return role && [role.layer.name, role.role];
  };
  expect(named("blocks.0.attn.W_Q")).toEqual(["ln1.0", "input"]);
  expect(named("model.blocks.0.mlp.W_in")).toEqual(["ln2.0", "input"]);
  expect(named("unembed.W_U")).toEqual(["unembed", "input"]);
  expect(named("embed.W_E")).toEqual(["ln1.0", "output"]);
  expect(named("blocks.3.attn.W_Q")).toBeNull();
  expect(readsNodeLayer("ln1.0", all, result)).toEqual(["blocks.0.attn.W_Q"]);
});

it.each([
  ["transformer.h.1.attn.c_attn.weight", "ln1.1", "input"],
  ["h.0.ln_2.bias", "ln2.0", "input"],
  ["transformer.h.0.attn.attention.q_proj.weight", "ln1.0", "input"],
  ["gpt_neox.layers.1.attention.query_key_value.weight", "ln1.1", "input"],
  ["gpt_neox.layers.1.mlp.dense_h_to_4h.weight", "ln2.1", "input"],
  ["gpt_neox.layers.1.post_attention_layernorm.weight", "ln2.1", "input"],
  ["model.layers.0.self_attn.k_proj.weight", "ln1.0", "input"],
  ["layers.0.attention.wq.weight", "ln1.0", "input"],
  ["layers.1.feed_forward.w3.weight", "ln2.1", "input"],
  ["model.norm.weight", "unembed", "input"],
  ["embed_out.weight", "unembed", "input"],
  ["lm_head.weight", "unembed", "input"],
  ["transformer.wte.weight", "ln1.0", "output"],
  ["model.embed_tokens.weight", "ln1.0", "output"],
])("of a language model, %s belongs to %s", (name, layer, role) => {
  const result = withLayers(["ln1.0", 13], ["ln2.0", 13], ["ln1.1", 13], ["ln2.1", 13], ["unembed", 13]);
  expect(nodeLayerOf([name], tensors({ [name]: [12, 12] }), result)).toMatchObject({ layer: { name: layer }, role });
});
