/** @file The model files that the workspace refers to or holds, for pickers and the tree. */

import { basename } from "node:path";
import type { ModelReference } from "../protocol/requests";
import { uriOf } from "../workspace/uris";
import type { WorkspaceSnapshot } from "../workspace/snapshot";

const maxListed = 1_000;

/** Code that names a model first, then specs of models that no code names, then files that nothing refers to. */
export function listModels(snapshot: WorkspaceSnapshot): ModelReference[] {
  const specs = specOfModel(snapshot);
  const references = [...snapshot.parts.references]
    .flatMap(([uri, list]) => list.map((linked) => ({ uri, ...linked })))
    .filter(({ reference }) => reference.what === "model" && reference.how !== "mention")
    .sort((a, b) => Number(a.fromSpec) - Number(b.fromSpec) || a.uri.localeCompare(b.uri, "en", { numeric: true }));
  const inCode = new Set(references.flatMap(({ fromSpec, files }) => (fromSpec ? [] : files)));
  const listed: ModelReference[] = [];
  const seen = new Set<string>();
  const add = (entry: ModelReference, key: string): void => {
    if (seen.has(key) || listed.length >= maxListed) return;
    seen.add(key);
    listed.push(entry);
  };
  for (const { uri, reference, files, fromSpec } of references) {
    const source = { uri, ...reference.range.start };
    if (files.length === 0) add({ model: null, text: reference.path, source, spec: fromSpec ? uri : null }, `${uri} ${reference.path}`);
    for (const file of files) {
      if (fromSpec && inCode.has(file)) continue;
      add({ model: uriOf(file), text: reference.path, source, spec: fromSpec ? uri : specs.get(file) ?? null }, `${uri} ${file}`);
    }
  }
  const referred = new Set(listed.map((entry) => entry.model));
  for (const file of snapshot.parts.modelFiles) {
    const model = uriOf(file);
    if (!referred.has(model)) add({ model, text: basename(file), source: null, spec: specs.get(file) ?? null }, model);
  }
  return listed;
}

/** Argument of the analyze command for a model: with the spec that names it, when there is one. */
export function analyzeTarget(snapshot: WorkspaceSnapshot, model: string): { model: string; spec?: string } {
  const spec = specOfModel(snapshot).get(model);
  return { model: uriOf(model), ...(spec === undefined ? {} : { spec }) };
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
