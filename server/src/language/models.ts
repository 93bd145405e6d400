/** @file The model files that the workspace refers to or holds, for pickers and the tree. */

import { basename } from "node:path";
import type { ModelReference } from "../protocol/requests";
import { uriOf } from "../workspace/uris";
import type { WorkspaceSnapshot } from "../workspace/snapshot";

const maxListed = 1_000;

/** References in the order of the documents, then model files that nothing refers to. A spec stands for its model once. */
export function listModels(snapshot: WorkspaceSnapshot): ModelReference[] {
  const specs = specOfModel(snapshot);
  const listed: ModelReference[] = [];
  const seen = new Set<string>();
  const add = (entry: ModelReference, key: string): void => {
    if (seen.has(key) || listed.length >= maxListed) return;
    seen.add(key);
    listed.push(entry);
  };
  for (const [uri, references] of snapshot.parts.references) {
    for (const { reference, files, fromSpec } of references) {
      if (reference.what !== "model" || reference.how === "mention") continue;
      const source = { uri, ...reference.range.start };
      if (files.length === 0) add({ model: null, text: reference.path, source, spec: fromSpec ? uri : null }, `${uri} ${reference.path}`);
      for (const file of files) {
        add({ model: uriOf(file), text: reference.path, source, spec: fromSpec ? uri : specs.get(file) ?? null }, `${uri} ${file}`);
      }
    }
  }
  const referred = new Set(listed.map((entry) => entry.model));
  for (const file of snapshot.parts.modelFiles) {
    const model = uriOf(file);
    if (!referred.has(model)) add({ model, text: basename(file), source: null, spec: specs.get(file) ?? null }, model);
  }
  return listed;
}

function specOfModel(snapshot: WorkspaceSnapshot): Map<string, string> {
  const specs = new Map<string, string>();
  for (const [uri, references] of snapshot.parts.references) {
    for (const { fromSpec, reference, files } of references) {
      if (fromSpec && reference.what === "model") for (const file of files) specs.set(file, uri);
    }
  }
  return specs;
}
