/**
 * @file Which network a checkpoint holds. The spec wins; then config.json and known key patterns with the sidecar config; then chains
 * of affine layers by names and shapes. Where nothing fits, one sentence says how to write a spec.
 */

import { InputError } from "../errors";
import { NoChain } from "./affineLayers";
import type { Architecture, ModelFacts } from "./architecture";
import { inferMlp } from "./mlpChain";
import { familyOf, knownModelTypes, modelTypeOf, type TransformerFamily } from "./transformer/family";
import { inferGpt2 } from "./transformer/gpt2";
import { inferGptNeo } from "./transformer/gptNeo";
import { inferGptNeox } from "./transformer/gptNeox";
import { inferLlama } from "./transformer/llama";
import { inferTransformerLens, looksLikeTransformerLens } from "./transformerLens";

const transformers: Readonly<Record<TransformerFamily, (facts: ModelFacts) => Architecture>> = {
  "gpt2": inferGpt2,
  "gpt-neo": inferGptNeo,
  "gpt-neox": inferGptNeox,
  "llama": inferLlama,
};

/** @throws InputError with one sentence that says what stands in the way and what to do. */
export function inferArchitecture(facts: ModelFacts): Architecture {
  const { family } = facts.spec;
  if (family === "transformer-lens" || (family === undefined && looksLikeTransformerLens(facts))) return inferTransformerLens(facts);
  const transformer = familyOf(facts);
  if (transformer !== null) return transformers[transformer](facts);
  if (family === undefined || family === "mlp" || family === "layers" || family === "keras") return chainOrExplain(facts);
  throw new InputError(
    `Networks of family "${family}" cannot be analysed yet: mlp, layers, keras, transformer-lens, ${Object.keys(transformers).join(", ")} can. `
    + `Change "architecture.family" in the spec if ${facts.model} is one of these.`,
  );
}

function chainOrExplain(facts: ModelFacts): Architecture {
  const found = inferMlp(facts);
  if (!(found instanceof NoChain)) return found;
  const type = facts.spec.family === undefined ? modelTypeOf(facts) : null;
  if (type !== null) {
    throw new InputError(
      `config.json beside ${facts.model} says "model_type": ${JSON.stringify(type.slice(0, 60))}; ${knownModelTypes.join(", ")} can be analysed: `
      + "if the model has the layout of one of these, name that family in a spec: {\"architecture\": {\"family\": \"llama\"}}.",
    );
  }
  throw new InputError(
    `The network in ${facts.model} is no chain of affine layers, because ${found.reason}. `
    + "If a part of it is one, list that part in a spec: {\"architecture\": {\"family\": \"layers\", \"layers\": [\"fc1\", \"fc2\"]}}.",
  );
}
