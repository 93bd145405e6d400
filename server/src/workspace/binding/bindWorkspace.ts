/** @file Binds all referenced models to the classes of all scanned documents, and lists what each line of code would hold. */

import type { DocumentFacts } from "../facts";
import { type Candidate, type ModelBinding, type ModelTensors, bindModel, bindingCandidates } from "./binding";
import type { Shape } from "./knownLayers";
import type { LayerPlace } from "./parameterPatterns";
import { Symbols } from "./symbols";

/** One line of code that makes a layer, whether a model is bound or not. */
export interface CodeLayer {
  place: LayerPlace;
  /** Tensors that it would have: names inside the owning class. */
  expected: { name: string; shape: Shape | null }[];
}

export interface BindAnswer {
  bindings: ModelBinding[];
  layers: CodeLayer[];
}

/** @param shown documents whose lines are listed: those that are open, so that a large workspace gives no large answer */
export function bindWorkspace(documents: ReadonlyMap<string, DocumentFacts>, models: readonly ModelTensors[], shown: ReadonlySet<string>): BindAnswer {
  const symbols = new Symbols(documents);
  const candidates = bindingCandidates(documents, symbols);
  return {
    bindings: models.map((model) => bindModel(model, candidates, documents, symbols)),
    layers: candidates.filter((candidate) => shown.has(candidate.module.facts.uri)).flatMap(codeLayers),
  };
}

/** Lines of the class itself; those of the classes it holds are listed with their own class. */
function codeLayers(candidate: Candidate): CodeLayer[] {
  const byPlace = new Map<string, CodeLayer>();
  for (const { name, shape, place } of candidate.patterns) {
    if (place.owner !== candidate.module.definition.name || place.uri !== candidate.module.facts.uri || name.endsWith("**")) continue;
    const key = placeKey(place);
    const known = byPlace.get(key) ?? { place, expected: [] };
    known.expected.push({ name, shape });
    byPlace.set(key, known);
  }
  return [...byPlace.values()];
}

/** Identifies a line of code across threads. */
export function placeKey({ uri, range }: LayerPlace): string {
  return `${uri}#${range.start.line}:${range.start.character}-${range.end.line}:${range.end.character}`;
}
