/** @file Scans one document, whatever its kind. Runs in the workspace thread. */

import { scanConfig } from "./config/configReferences";
import { scanSpec } from "./config/specReferences";
import { type DocumentFacts, emptyFacts } from "./facts";
import type { SourceKind } from "./fileKinds";
import { type VirtualDocument, joinCells, mapToOrigins, readNotebookFile } from "./notebook/notebook";
import { scanPython } from "./python/scanPython";
import type { SyntaxParsers } from "./syntax/parsers";
import { scanTypeScript } from "./typescript/scanTypeScript";

/** Larger documents are left alone: no one writes them by hand. */
const maxCharacters = 2_000_000;

export interface ScanInput {
  uri: string;
  kind: SourceKind;
  text: string;
  /** Cells of an opened notebook; `text` is not used then. */
  cells?: { uri: string; text: string }[];
}

/** Facts per document: one, except for the cells of a notebook. */
export async function scanDocument(input: ScanInput, parsers: SyntaxParsers): Promise<DocumentFacts[]> {
  const size = input.cells ? input.cells.reduce((sum, cell) => sum + cell.text.length, 0) : input.text.length;
  if (size > maxCharacters) return [emptyFacts(input.uri)];
  switch (input.kind) {
    case "python":
      if (!mayMatter.test(input.text)) return [emptyFacts(input.uri)];
      return [await parsers.withTree("python", input.text, (root) => scanPython(input.uri, root))];
    case "typescript":
      if (!mayMatterInTypeScript.test(input.text)) return [emptyFacts(input.uri)];
      return [await parsers.withTree("typescript", input.text, (root) => scanTypeScript(input.uri, root))];
    case "yaml": case "json": return [scanConfig(input.uri, input.text)];
    case "spec": return [scanSpec(input.uri, input.text)];
    case "notebook": {
      const virtual = input.cells ? joinCells(input.cells) : readNotebookFile(input.uri, input.text);
      return scanNotebook(input.uri, virtual, parsers);
    }
  }
}

async function scanNotebook(uri: string, virtual: VirtualDocument, parsers: SyntaxParsers): Promise<DocumentFacts[]> {
  const facts = await parsers.withTree("python", virtual.text, (root) => scanPython(uri, root));
  return mapToOrigins(facts, virtual);
}

/** Cheap filters before a parse: a file without any of these words tells nothing. `import` keeps the chains of imports whole. */
const mayMatter = /\b(torch|nn|load|save|import|Module|Path|safetensors)\b/;
const mayMatterInTypeScript = /\b(load(Layers|Graph)Model|tf\.layers|InferenceSession)\b/;
