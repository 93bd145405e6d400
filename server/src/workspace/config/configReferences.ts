/** @file Strings of YAML and JSON configuration files that name model or data files, with exact positions. */

import { LineCounter, type Document, type ParsedNode, isPair, isScalar, parseAllDocuments, visit } from "yaml";
import type { DocumentFacts, FileReference, Range } from "../facts";
import { emptyFacts } from "../facts";
import { isDataPath, isModelPath } from "../fileKinds";

const maxReferences = 500;
const maxPathLength = 1024;

/** YAML contains JSON, so that one parser gives positions in both. */
export function scanConfig(uri: string, text: string): DocumentFacts {
  const { documents, lines } = parseConfig(text);
  const facts = emptyFacts(uri);
  for (const document of documents) {
    visit(document, {
      Scalar(key, node, path) {
        if (key === "key" || typeof node.value !== "string" || !node.range || facts.references.length >= maxReferences) return;
        const parent = path.at(-1);
        const name = isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : "";
        const reference = referenceOf(node.value, name, rangeAt(lines, node.range));
        if (reference) facts.references.push(reference);
      },
    });
  }
  return facts;
}

export interface ParsedConfig { documents: Document.Parsed<ParsedNode>[]; lines: LineCounter }

export function parseConfig(text: string): ParsedConfig {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { lineCounter: lines, strict: false, uniqueKeys: false, logLevel: "silent" });
  return { documents: Array.isArray(parsed) ? parsed : [], lines };
}

/** @param range of a node: [start, end of the value, end with what follows] as offsets. */
export function rangeAt(lines: LineCounter, range: readonly number[]): Range {
  const at = (offset: number): Range["start"] => {
    const { line, col } = lines.linePos(offset);
    return { line: line - 1, character: col - 1 };
  };
  return { start: at(range[0] ?? 0), end: at(range[1] ?? 0) };
}

/** Ellipses of templates (`${dir}`, `{epoch}`, `%03d`) may stand for anything. */
function referenceOf(value: string, key: string, range: Range): FileReference | null {
  if (value.length > maxPathLength || /[\n\r]/.test(value) || /^\w+:\/\//.test(value)) return null;
  const path = value.replace(/\$?\{[^}]*\}|%[-0-9.]*[a-z]/g, "*").replaceAll("\\", "/");
  const what = isModelPath(path) ? "model" : isDataPath(path) ? "data" : null;
  if (!what) return null;
  return { range, path, anchor: /^([A-Za-z]:)?\//.test(path) ? "absolute" : "relative", what, how: "mention", by: key };
}
