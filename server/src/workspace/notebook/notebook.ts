/**
 * @file Notebooks. Code cells are joined into one virtual document, because definitions cross cells; what is found is
 * mapped back to lines of the cells, or of the `.ipynb` file when no client opened it as a notebook.
 */

import { isMap, isScalar, isSeq } from "yaml";
import type { DocumentFacts, FileReference, LayerDefinition, ModuleDefinition, Position, Range } from "../facts";
import { parseConfig } from "../config/configReferences";

/** Where one line of the virtual document comes from. */
interface LineOrigin { uri: string; line: number; character: number }

export interface VirtualDocument { text: string; origins: LineOrigin[] }

export interface CellSource { uri: string; text: string }

/** Magics (`%time`, `!pip`) are no Python: they become comments of the same length. */
function withoutMagics(text: string): string {
  return text.replace(/^([ \t]*)[%!]/gm, "$1#");
}

/** Joins the cells of an opened notebook. */
export function joinCells(cells: readonly CellSource[]): VirtualDocument {
  const origins: LineOrigin[] = [];
  const texts = cells.map((cell) => {
    const text = withoutMagics(cell.text);
    text.split("\n").forEach((_, line) => origins.push({ uri: cell.uri, line, character: 0 }));
    return text;
  });
  return { text: texts.join("\n"), origins };
}

/** Joins the code cells of an `.ipynb` text; every line keeps its place in the JSON. */
export function readNotebookFile(uri: string, json: string): VirtualDocument {
  const { documents, lines } = parseConfig(json);
  const root = documents[0]?.contents;
  const cells = isMap(root) ? root.get("cells", true) : null;
  const texts: string[] = [];
  const origins: LineOrigin[] = [];
  for (const cell of isSeq(cells) ? cells.items : []) {
    if (!isMap(cell) || cell.get("cell_type") !== "code") continue;
    const source = cell.get("source", true);
    for (const part of isSeq(source) ? source.items : [source]) {
      if (!isScalar(part) || typeof part.value !== "string" || !part.range) continue;
      const place = lines.linePos(part.range[0]);
      const text = withoutMagics(part.value.replace(/\n$/, ""));
      // In a list every line has its own string; in one string the later lines have no line of their own.
      for (let i = 0; i < text.split("\n").length; i++) origins.push({ uri, line: place.line - 1, character: place.col });
      texts.push(text);
    }
  }
  return { text: texts.join("\n"), origins };
}

/** Splits the facts of a virtual document into those of the documents that its lines come from. */
export function mapToOrigins(facts: DocumentFacts, virtual: VirtualDocument): DocumentFacts[] {
  const byUri = new Map<string, DocumentFacts>();
  const factsOf = (uri: string): DocumentFacts => {
    const known = byUri.get(uri) ?? { uri, references: [], modules: [], constructions: [], imports: facts.imports, spec: null };
    byUri.set(uri, known);
    return known;
  };
  for (const origin of virtual.origins) factsOf(origin.uri);
  const uriAt = (position: Position): string => virtual.origins[position.line]?.uri ?? facts.uri;

  for (const reference of facts.references) factsOf(uriAt(reference.range.start)).references.push(mapReference(reference, virtual));
  for (const construction of facts.constructions) {
    factsOf(uriAt(construction.range.start)).constructions.push({ ...construction, range: mapRange(construction.range, virtual) });
  }
  // A class may be used in any other cell: the names are known in all of them.
  for (const module of facts.modules) factsOf(uriAt(module.range.start)).modules.push(mapModule(module, virtual));
  for (const one of byUri.values()) {
    one.imports = [...one.imports, ...otherCells(one, byUri)];
  }
  return [...byUri.values()];
}

/** Cells see each other's classes, as if they imported each other. */
function otherCells(facts: DocumentFacts, all: ReadonlyMap<string, DocumentFacts>): DocumentFacts["imports"] {
  return [...all.keys()].filter((uri) => uri !== facts.uri).map((uri) => ({ module: cellModule + uri, level: 0, name: "*", as: "*" }));
}

/** Marks an import whose module is the URI of another cell. */
export const cellModule = "cell:";

function mapPosition(position: Position, virtual: VirtualDocument): Position {
  const origin = virtual.origins[position.line];
  return origin ? { line: origin.line, character: origin.character + position.character } : position;
}

function mapRange(range: Range, virtual: VirtualDocument): Range {
  return { start: mapPosition(range.start, virtual), end: mapPosition(range.end, virtual) };
}

function mapReference(reference: FileReference, virtual: VirtualDocument): FileReference {
  return { ...reference, range: mapRange(reference.range, virtual) };
}

function mapLayer(layer: LayerDefinition, virtual: VirtualDocument): LayerDefinition {
  return { ...layer, range: mapRange(layer.range, virtual), entries: layer.entries.map((entry) => mapLayer(entry, virtual)) };
}

function mapModule(module: ModuleDefinition, virtual: VirtualDocument): ModuleDefinition {
  return { ...module, range: mapRange(module.range, virtual), layers: module.layers.map((layer) => mapLayer(layer, virtual)) };
}
