/** @file Scanning of fixture scripts in tests, and marked positions. */

import { createRequire } from "node:module";
import type { DocumentFacts, LayerDefinition, Position } from "../../server/src/workspace/facts";
import { scanPython } from "../../server/src/workspace/python/scanPython";
import { SyntaxParsers } from "../../server/src/workspace/syntax/parsers";

const require = createRequire(import.meta.url);
const packages: Record<string, string> = {
  "web-tree-sitter.wasm": "web-tree-sitter/web-tree-sitter.wasm",
  "tree-sitter-python.wasm": "tree-sitter-python/tree-sitter-python.wasm",
  "tree-sitter-tsx.wasm": "tree-sitter-typescript/tree-sitter-tsx.wasm",
};

/** Where the grammars are when nothing is bundled: in node_modules. */
function findWasm(file: string): string {
  return require.resolve(packages[file] ?? file);
}

export const parsers = new SyntaxParsers(findWasm);

export function scan(text: string, uri = "file:///w/train.py"): Promise<DocumentFacts> {
  return parsers.withTree("python", text, (root) => scanPython(uri, root));
}

/** Text with `«name»` markers removed, and where each was. */
export function marked(text: string): { text: string; at: (name: string) => Position } {
  const positions = new Map<string, Position>();
  const lines = text.split("\n").map((line, number) => {
    for (let found = /«(\w+)»/.exec(line); found; found = /«(\w+)»/.exec(line)) {
      positions.set(found[1] ?? "", { line: number, character: found.index });
      line = line.slice(0, found.index) + line.slice(found.index + found[0].length);
    }
    return line;
  });
  return {
    text: lines.join("\n"),
    at(name) {
      const position = positions.get(name);
      if (!position) throw new Error(`No marker «${name}» in the fixture.`);
      return position;
    },
  };
}

/** `name(callee)` of a layer tree, for short expectations: `net[0(nn.Linear), 1(nn.ReLU)]`. */
export function outline(layers: readonly LayerDefinition[]): string[] {
  return layers.map((layer) => layer.kind === "container"
    ? `${layer.key}[${outline(layer.entries).join(", ")}]`
    : `${layer.key}(${layer.callee})`);
}
