/** @file Which family of transformers a checkpoint belongs to: by the spec, its config.json, or the names of its tensors. */

import type { Family } from "../../../protocol/spec";
import type { ModelFacts } from "../architecture";
import { ConfigFields } from "./configFields";

export type TransformerFamily = Extract<Family, "gpt2" | "gpt-neo" | "gpt-neox" | "llama">;

/** `model_type` of a Hugging Face config. */
const modelTypes: ReadonlyMap<string, TransformerFamily> = new Map([["gpt2", "gpt2"], ["gpt_neo", "gpt-neo"], ["gpt_neox", "gpt-neox"], ["llama", "llama"]]);

/** Ends of tensor names that only one family has. */
const signatures: readonly [TransformerFamily, RegExp][] = [
  ["gpt-neo", /(^|\.)h\.0\.attn\.attention\.q_proj\.weight$/],
  ["gpt2", /(^|\.)h\.0\.attn\.c_attn\.weight$/],
  ["gpt-neox", /(^|\.)layers\.0\.attention\.query_key_value\.weight$/],
  ["llama", /(^|\.)layers\.0\.(self_attn\.q_proj|attention\.wq)\.weight$/],
];

function isTransformerFamily(family: Family | undefined): family is TransformerFamily {
  return [...modelTypes.values()].some((one) => one === family);
}

/** The config.json of a Hugging Face model, or null. */
function huggingFaceConfigOf(facts: ModelFacts): Record<string, unknown> | null {
  const config = facts.metadata.get("config");
  return typeof config === "object" && config !== null && !Array.isArray(config) && !(config instanceof Map) ? config as Record<string, unknown> : null;
}

/** Null when it is none of these. A config of another model type decides, whatever the names are like. */
export function familyOf(facts: ModelFacts): TransformerFamily | null {
  if (facts.spec.family !== undefined) return isTransformerFamily(facts.spec.family) ? facts.spec.family : null;
  const type = modelTypeOf(facts);
  if (type !== null) return modelTypes.get(type) ?? null;
  const prefix = facts.spec.prefix ?? "";
  const names = facts.tensors.map(({ name }) => name).filter((name) => name.startsWith(prefix));
  return signatures.find(([, signature]) => names.some((name) => signature.test(name)))?.[0] ?? null;
}

export function modelTypeOf(facts: ModelFacts): string | null {
  const type = huggingFaceConfigOf(facts)?.["model_type"];
  return typeof type === "string" ? type : null;
}

export function configOf(facts: ModelFacts): ConfigFields {
  const config = huggingFaceConfigOf(facts);
  return config === null ? new ConfigFields(null, {}) : new ConfigFields("config.json", config);
}

/** `model_type`s that can be analysed, for messages. */
export const knownModelTypes = [...modelTypes.keys()];

/**
 * What stands before the tensor names of a checkpoint: `outer` before all of them (a wrapping module, or nothing), `inner` before those of
 * the model without its unembedding, such as "transformer.".
 * @param landmark end of the name of a tensor that every such checkpoint has
 */
export function prefixesOf(facts: ModelFacts, landmark: string, inner: string): { outer: string; inner: string } {
  const wanted = facts.spec.prefix ?? "";
  const name = facts.tensors.map((tensor) => tensor.name).find((one) => one.startsWith(wanted) && (one === landmark || one.endsWith(`.${landmark}`)));
  const before = name?.slice(0, -landmark.length) ?? wanted + inner;
  return before.endsWith(inner) ? { outer: before.slice(0, before.length - inner.length), inner } : { outer: before, inner: "" };
}
