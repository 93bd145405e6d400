/**
 * @file Which network a checkpoint holds. The spec wins; then known key patterns with the sidecar config; then chains of affine
 * layers by names and shapes. Where nothing fits, one sentence says how to write a spec.
 */

import { InputError } from "../errors";
import { NoChain } from "./affineLayers";
import type { Architecture, ModelFacts } from "./architecture";
import { inferMlp } from "./mlpChain";
import { inferTransformerLens, looksLikeTransformerLens } from "./transformerLens";

/** @throws InputError with one sentence that says what stands in the way and what to do. */
export function inferArchitecture(facts: ModelFacts): Architecture {
  const { family } = facts.spec;
  switch (family) {
    case undefined:
      if (looksLikeTransformerLens(facts)) return inferTransformerLens(facts);
      return chainOrExplain(facts);
    case "transformer-lens":
      return inferTransformerLens(facts);
    case "mlp":
    case "layers":
      return chainOrExplain(facts);
    default:
      throw new InputError(`Networks of family "${family}" cannot be analysed yet: mlp, layers and transformer-lens can. Change "architecture.family" in the spec if ${facts.model} is one of these.`);
  }
}

function chainOrExplain(facts: ModelFacts): Architecture {
  const found = inferMlp(facts);
  if (!(found instanceof NoChain)) return found;
  throw new InputError(
    `The network in ${facts.model} is no chain of affine layers, because ${found.reason}. `
    + "If a part of it is one, list that part in a spec: {\"architecture\": {\"family\": \"layers\", \"layers\": [\"fc1\", \"fc2\"]}}.",
  );
}
