/** @file Everything that one TypeScript or JavaScript document tells: model files and named layers of TensorFlow.js. */

import type { Node } from "web-tree-sitter";
import type { CallArguments, DocumentFacts, FileReference, LayerDefinition, ModuleDefinition, Value } from "../facts";
import { emptyFacts } from "../facts";
import { isModelPath } from "../fileKinds";
import { children, dottedName, field, lastPart, rangeOf, walk } from "../syntax/nodes";

const loaders = /(^|\.)(loadLayersModel|loadGraphModel|InferenceSession\.create)$/;
const savers = /(^|\.)save$/;
const maxDepth = 12;

export function scanTypeScript(uri: string, root: Node): DocumentFacts {
  const facts = emptyFacts(uri);
  const constants = readConstants(root);
  const layers: LayerDefinition[] = [];
  walk(root, (node) => {
    if (node.type !== "call_expression") return;
    const callee = dottedName(field(node, "function")) ?? "";
    const first = children(field(node, "arguments") ?? node)[0];
    if (!first) return;
    if (loaders.test(callee) || savers.test(callee)) {
      const reference = referenceOf(first, callee, loaders.test(callee) ? "load" : "save", constants);
      if (reference) facts.references.push(reference);
    } else if (/(^|\.)layers\.\w+$/.test(callee) && first.type === "object") {
      const layer = readLayer(node, first, callee, constants);
      if (layer) layers.push(layer);
    }
  });
  if (layers.length > 0) facts.modules.push(moduleOf(layers));
  return facts;
}

/** `const NAME = …`: the only assignment of a name is its value. */
function readConstants(root: Node): Map<string, Node> {
  const found = new Map<string, Node>();
  walk(root, (node) => {
    if (node.type !== "variable_declarator" || node.parent?.children[0]?.text !== "const") return;
    const [name, value] = [field(node, "name"), field(node, "value")];
    if (name && value) found.set(name.text, value);
  });
  return found;
}

/** Named layers of a document are one model: TensorFlow.js names tensors `layer/kernel` and `layer/bias`. */
function moduleOf(layers: LayerDefinition[]): ModuleDefinition {
  const first = layers[0];
  const range = first ? first.range : { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  return { name: "layers", kind: "variable", bases: ["tf.layers"], range, parameters: [], layers };
}

function readLayer(call: Node, options: Node, callee: string, constants: ReadonlyMap<string, Node>): LayerDefinition | null {
  const given = new Map<string, Value>();
  for (const pair of children(options)) {
    const [key, value] = [field(pair, "key"), field(pair, "value")];
    if (pair.type === "pair" && key && value) given.set(key.text.replace(/^["']|["']$/g, ""), foldValue(value, constants));
  }
  const name = given.get("name");
  if (typeof name !== "string") return null;
  const passed: CallArguments = { positional: [], keyword: [...given], open: children(options).some((pair) => pair.type === "spread_element") };
  return { key: name, range: rangeOf(call), kind: "module", callee, arguments: passed, entries: [], shape: null };
}

function foldValue(node: Node, constants: ReadonlyMap<string, Node>, depth = 0): Value {
  if (depth > maxDepth) return null;
  switch (node.type) {
    case "number": return Number.isSafeInteger(Number(node.text)) ? Number(node.text) : null;
    case "true": return true;
    case "false": return false;
    case "string": return fold(node, constants, depth);
    case "array": return children(node).map((part) => foldValue(part, constants, depth + 1));
    case "identifier": {
      const value = constants.get(node.text);
      return value ? foldValue(value, constants, depth + 1) : null;
    }
    default: return null;
  }
}

function referenceOf(node: Node, callee: string, how: "load" | "save", constants: ReadonlyMap<string, Node>): FileReference | null {
  const folded = fold(node, constants)?.replace(/^file:\/\//, "") ?? null;
  if (folded === null || !/[\w]/.test(folded) || /^\w+:\/\//.test(folded)) return null;
  // `model.save("file://out")` writes a folder with model.json in it.
  const path = isModelPath(folded) ? folded : how === "save" && /save$/.test(lastPart(callee)) && folded.includes("/") ? `${folded}/model.json` : null;
  return path === null ? null : {
    range: rangeOf(node), path, anchor: /^([A-Za-z]:)?\//.test(path) ? "absolute" : "relative", what: "model", how, by: callee,
  };
}

/** The glob that a path expression gives: literals, templates, `+`, path.join and constants. */
function fold(node: Node, constants: ReadonlyMap<string, Node>, depth = 0): string | null {
  if (depth > maxDepth) return null;
  const orStar = (part: Node | null | undefined): string => (part ? fold(part, constants, depth + 1) : null) ?? "*";
  switch (node.type) {
    case "string": return node.namedChildren.map((part) => part.text).join("");
    case "template_string":
      return node.namedChildren.map((part) => (part.type === "template_substitution" ? orStar(children(part)[0]) : part.text)).join("");
    case "binary_expression":
      return field(node, "operator")?.text === "+" ? orStar(field(node, "left")) + orStar(field(node, "right")) : null;
    case "parenthesized_expression": return orStar(children(node)[0]);
    case "identifier": {
      const value = constants.get(node.text);
      return value ? fold(value, constants, depth + 1) : node.text === "__dirname" ? "." : null;
    }
    case "call_expression": {
      const parts = children(field(node, "arguments") ?? node);
      if (!/(^|\.)(join|resolve)$/.test(dottedName(field(node, "function")) ?? "")) return null;
      return parts.map(orStar).filter((part) => part !== ".").join("/");
    }
    default: return null;
  }
}
