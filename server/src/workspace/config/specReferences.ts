/** @file The files that an analysis spec (`*.lib.json`) names: its model and its data, always relative to the spec. */

import { isMap, isPair, isScalar, visit } from "yaml";
import type { DocumentFacts, FileReference } from "../facts";
import { emptyFacts } from "../facts";
import { parseConfig, rangeAt } from "./configReferences";

const dataFields = new Set(["inputs", "labels", "tokenizer"]);

export function scanSpec(uri: string, text: string): DocumentFacts {
  const facts = emptyFacts(uri);
  const { documents, lines } = parseConfig(withoutComments(text));
  const root = documents[0]?.contents;
  if (!isMap(root)) return facts;
  visit(root, {
    Pair(_key, pair, path) {
      if (!isScalar(pair.key) || !isScalar(pair.value) || typeof pair.value.value !== "string" || !pair.value.range) return;
      const key = String(pair.key.value);
      const depth = path.filter(isPair).length;
      const range = rangeAt(lines, pair.value.range);
      const value = pair.value.value;
      if (depth === 0 && key === "model") {
        facts.spec = { model: value, range };
        facts.references.push(reference(value, "model", key, range));
      } else if (depth > 0 && dataFields.has(key)) {
        facts.references.push(reference(value, "data", key, range));
      }
    },
  });
  return facts;
}

function reference(value: string, what: "model" | "data", by: string, range: FileReference["range"]): FileReference {
  const path = value.replaceAll("\\", "/");
  return { range, path, anchor: /^([A-Za-z]:)?\//.test(path) ? "absolute" : "document", what, how: "load", by };
}

/** Blanks `//` and `/* *\/` comments and tabs, so that every offset stays the same. */
export function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\t/g, (part) => (
    part.startsWith('"') ? part : part.replace(/[^\n\r]/g, " ")
  ));
}
