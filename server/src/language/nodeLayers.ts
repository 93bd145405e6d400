/**
 * @file Which node layer of a result a line of code talks about. A node layer is named after the module whose input it
 * is (method section 1.3): affine layer i of an MLP reads `layers.i`; attention block b reads `ln1.b`, its MLP `ln2.b`.
 */

import type { TensorInfo } from "../formats/modelFile";
import type { LayerSummary, ResultOutline } from "../protocol/result";

type Layers = Pick<ResultOutline, "layers">;

export interface NodeLayerRole {
  layer: LayerSummary;
  /** The module reads this node layer, or (embeddings) writes into it. */
  role: "input" | "output";
}

/**
 * @param names tensors that the line of code made
 * @param tensors all tensors of the model
 */
export function nodeLayerOf(names: readonly string[], tensors: readonly TensorInfo[], result: Layers): NodeLayerRole | null {
  return transformerLayer(names, result) ?? affineLayer(names, tensors, result);
}

/** Number and part of a block, by the names of TransformerLens, GPT-2 and GPT-Neo, GPT-NeoX, and Llama in both spellings. */
const partOfBlock = new RegExp("(?:^|\\.)(?:blocks|h|layers)\\.(\\d+)\\."
  + "(attn|ln1|mlp|ln2|ln_1|ln_2|attention|input_layernorm|post_attention_layernorm|self_attn|attention_norm|feed_forward|ffn_norm)\\b");
const attentionParts = /^(attn|ln1|ln_1|attention|input_layernorm|self_attn|attention_norm)$/;

function transformerLayer(names: readonly string[], result: Layers): NodeLayerRole | null {
  const find = (name: string, role: NodeLayerRole["role"]): NodeLayerRole | null => {
    const layer = result.layers.find((candidate) => candidate.name === name);
    return layer ? { layer, role } : null;
  };
  for (const name of names) {
    const block = partOfBlock.exec(name);
    if (block) return find(`${attentionParts.test(block[2]!) ? "ln1" : "ln2"}.${block[1]}`, "input");
    if (/(^|\.)(unembed|ln_final|ln_f|final_layer_norm|embed_out|lm_head|norm\.weight|output\.weight)\b/.test(name)) return find("unembed", "input");
    if (/(^|\.)(embed|pos_embed|wte|wpe|embed_in|embed_tokens|tok_embeddings)\b/.test(name)) return find("ln1.0", "output");
  }
  return null;
}

/** Affine layers in the order of their names (numbers compared as numbers); the width must agree with the result. */
function affineLayer(names: readonly string[], tensors: readonly TensorInfo[], result: Layers): NodeLayerRole | null {
  const weights = tensors
    .filter((tensor) => tensor.shape.length === 2 && /(^|\.)(weight|W|kernel)$/.test(tensor.name))
    .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  const stems = new Set(names.map(stem));
  const position = weights.findIndex((weight) => stems.has(stem(weight.name)));
  const weight = weights[position];
  const layer = result.layers.find((candidate) => candidate.name === `layers.${position}`);
  if (!weight || !layer) return null;
  // The constant component adds one to the width.
  return weight.shape.some((size) => size === layer.dimension || size + 1 === layer.dimension) ? { layer, role: "input" } : null;
}

function stem(name: string): string {
  return name.slice(0, Math.max(name.lastIndexOf("."), 0));
}

/** The tensors of a model that the module behind a node layer has; for jumping from a node to its source line. */
export function readsNodeLayer(layer: string, tensors: readonly TensorInfo[], result: Layers): string[] {
  return tensors.map((tensor) => tensor.name).filter((name) => {
    const role = nodeLayerOf([name], tensors, result);
    return role?.role === "input" && role.layer.name === layer;
  });
}
