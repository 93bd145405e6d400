/** @file From a node layer of a result back to the line of code whose input it is. */

import type { Requests } from "../protocol/requests";
import type { ResultOutline } from "../protocol/result";
import type { LanguageContext } from "./context";
import { readsNodeLayer } from "./nodeLayers";

export function layerSource(context: LanguageContext, result: ResultOutline, layer: string): Requests["lib/layerSource"]["result"] {
  const { parts } = context.snapshot;
  const state = parts.models.get(result.model.path);
  const bound = parts.bindings.find((binding) => binding.model === result.model.path)?.bound;
  if (!state || !("facts" in state) || !bound) return null;
  const names = new Set(readsNodeLayer(layer, state.facts.tensors, result));
  const place = bound.matches.find((match) => names.has(match.tensor.name))?.pattern.place;
  return place ? { uri: place.uri, ...place.range.start } : null;
}
