/** @file What the workspace knows at one moment: immutable, so that a feature never sees half of an update. */

import { type CodeLayer, placeKey } from "./binding/bindWorkspace";
import type { Binding, ModelBinding } from "./binding/binding";
import type { Match } from "./binding/matching";
import type { LayerPlace } from "./binding/parameterPatterns";
import { type DocumentFacts, type FileReference, type Position, type Range, contains } from "./facts";
import type { ResolvedReference } from "./files/resolveReference";
import type { ModelFacts } from "./models/modelFacts";

/** A reference with the files that it means. */
export interface LinkedReference extends ResolvedReference {
  reference: FileReference;
  /** A spec names the model. */
  fromSpec: boolean;
}

/** Facts of a model, or the sentence that says why it cannot be read. */
export type ModelState = { facts: ModelFacts } | { problem: string };

/** One line of code with the tensors of one model that it made. */
export interface BoundLayer {
  place: LayerPlace;
  binding: Binding;
  matches: Match[];
  /** `self.net` around an entry of it: the line holds the layer but is not its definition. */
  outer: boolean;
}

export interface SnapshotParts {
  documents: ReadonlyMap<string, DocumentFacts>;
  references: ReadonlyMap<string, readonly LinkedReference[]>;
  /** Absolute paths of the model files in the workspace. */
  modelFiles: readonly string[];
  models: ReadonlyMap<string, ModelState>;
  bindings: readonly ModelBinding[];
  layers: readonly CodeLayer[];
}

export class WorkspaceSnapshot {
  static readonly empty = new WorkspaceSnapshot({
    documents: new Map(), references: new Map(), modelFiles: [], models: new Map(), bindings: [], layers: [],
  });

  readonly parts: SnapshotParts;
  readonly #bound = new Map<string, BoundLayer[]>();
  readonly #code = new Map<string, CodeLayer[]>();

  constructor(parts: SnapshotParts) {
    this.parts = parts;
    for (const layer of parts.layers) push(this.#code, layer.place.uri, layer);
    for (const { bound } of parts.bindings) if (bound) this.#addBinding(bound);
  }

  references(uri: string): readonly LinkedReference[] {
    return this.parts.references.get(uri) ?? [];
  }

  /** Layers of a document that tensors are bound to, inner lines before outer ones. */
  boundLayers(uri: string): readonly BoundLayer[] {
    return this.#bound.get(uri) ?? [];
  }

  codeLayers(uri: string): readonly CodeLayer[] {
    return this.#code.get(uri) ?? [];
  }

  /** The layers at a position: of the smallest expression around it that makes one, else of its line. */
  boundAt(uri: string, position: Position): BoundLayer[] {
    return smallest(this.boundLayers(uri), position);
  }

  codeAt(uri: string, position: Position): CodeLayer | null {
    return smallest(this.codeLayers(uri), position)[0] ?? null;
  }

  /** Models whose binding is ambiguous between classes of this document. */
  ambiguousIn(uri: string): ModelBinding[] {
    return this.parts.bindings.filter((binding) => binding.ambiguous.some((candidate) => candidate.module.uri === uri));
  }

  #addBinding(binding: Binding): void {
    const byPlace = new Map<string, BoundLayer>();
    const add = (place: LayerPlace, match: Match, outer: boolean): void => {
      const key = placeKey(place);
      const known = byPlace.get(key);
      if (known) known.matches.push(match);
      else byPlace.set(key, { place, binding, matches: [match], outer });
    };
    for (const match of binding.matches) {
      add(match.pattern.place, match, false);
      for (const place of match.pattern.via) add(place, match, true);
    }
    for (const layer of byPlace.values()) push(this.#bound, layer.place.uri, layer);
  }
}

/** Of the places around a position those with the smallest expression; else the only expression that starts on its line. */
function smallest<T extends { place: LayerPlace }>(layers: readonly T[], position: Position): T[] {
  const around = layers.filter((layer) => contains(layer.place.range, position));
  const candidates = around.length > 0 ? around : layers.filter((layer) => layer.place.range.start.line === position.line);
  const least = Math.min(...candidates.map((layer) => extent(layer.place.range)));
  const best = candidates.filter((layer) => extent(layer.place.range) === least);
  // Left of the expressions of a line (`self.fc1 = …`) the widest one is meant: the whole right side.
  if (around.length > 0) return best;
  const most = Math.max(...candidates.map((layer) => extent(layer.place.range)));
  return candidates.filter((layer) => extent(layer.place.range) === most);
}

function extent(range: Range): number {
  return (range.end.line - range.start.line) * 10_000 + range.end.character - range.start.character;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
