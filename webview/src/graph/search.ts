/** @file Finds features by what people type: "f3", "fc1 f3", "fc1", "fc1 3", "M2" for the features of a module, or a word of a label. */

import { moduleName } from "../../../server/src/figures/look";
import { featureName, type Graph, type NodeRef } from "./model";

const hitLimit = 5000;

/** @param modules module of every feature by layer, where they are known. */
export function search(graph: Graph, query: string, modules: readonly (readonly number[])[] | null = null): NodeRef[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const hits: NodeRef[] = [];
  for (const [index, layer] of graph.layers.entries()) {
    if (!layer.known) continue;
    const name = layer.name.toLowerCase();
    // A word that is part of the layer's name is about the layer; every other word must be the feature itself.
    const rest = words.filter((word) => !name.includes(word));
    if (rest.length > 1) continue;
    for (let feature = layer.first; feature < layer.count && hits.length < hitLimit; feature++) {
      const module = modules?.[index]?.[feature] ?? -1;
      const named = rest.length === 0 || rest[0] === featureName(layer, feature) || rest[0] === String(feature);
      const label = layer.labels?.[feature]?.toLowerCase() ?? "";
      if (named || (label !== "" && label.includes(rest[0]!)) || (module >= 0 && rest[0] === moduleName(module).toLowerCase())) hits.push({ layer: index, feature });
    }
  }
  return hits;
}
