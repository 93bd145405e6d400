/**
 * @file Constant folder for path expressions. What only a run could tell becomes `*`, so the answer is a glob:
 * `Path(out) / f"mlp_epoch{epoch}.pt"` gives `out/mlp_epoch*.pt`.
 */

import type { Node } from "web-tree-sitter";
import { children, field, lastPart } from "../syntax/nodes";
import { type PythonCall, argument, readCall } from "./calls";
import type { Scopes } from "./scopes";

/** Stands for the folder of the document in folded paths: `Path(__file__).parent`. */
export const documentFolder = "<document>";

const maxDepth = 16;
const maxLength = 1024;
const optionHolders = /^(args|arguments|opt|opts|options|hparams|FLAGS|flags|config|cfg)$/;
const samePath = new Set(["Path", "PurePath", "PosixPath", "WindowsPath", "str", "abspath", "expanduser", "realpath", "fspath", "normpath"]);
const samePathMethods = new Set(["resolve", "absolute", "expanduser", "as_posix"]);

export class PathFolder {
  readonly #scopes: Scopes;

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  /** The glob that an expression gives; null when nothing at all is known about it. */
  fold(node: Node | null | undefined, depth = 0): string | null {
    if (!node || depth > maxDepth) return null;
    const folded = this.#foldNode(node, depth + 1);
    return folded === null || folded.length > maxLength ? null : folded;
  }

  #foldNode(node: Node, depth: number): string | null {
    switch (node.type) {
      case "string": return this.#foldString(node, depth);
      case "concatenated_string": return children(node).map((part) => this.#orStar(part, depth)).join("");
      case "parenthesized_expression": return this.fold(children(node)[0], depth);
      case "binary_operator": return this.#foldOperator(node, depth);
      case "identifier": return this.#foldName(node, depth);
      case "attribute": return this.#foldAttribute(node, depth);
      case "subscript": return this.#foldSubscript(node, depth);
      case "boolean_operator": return this.#foldFirst(children(node), depth);
      case "conditional_expression": return this.#foldFirst(children(node), depth);
      case "integer": return node.text;
      case "call": {
        const call = readCall(node);
        return call && this.#foldCall(call, depth);
      }
      default: return null;
    }
  }

  #orStar(node: Node | null | undefined, depth: number): string {
    return this.fold(node, depth) ?? "*";
  }

  /** `a or b`, `a if c else b`: the first operand that can be told. */
  #foldFirst(nodes: Node[], depth: number): string | null {
    for (const node of nodes) {
      const folded = this.fold(node, depth);
      if (folded !== null) return folded;
    }
    return null;
  }

  #foldString(node: Node, depth: number): string {
    return node.namedChildren.map((part) => {
      if (part.type === "string_content") return part.text.replace(/\{\{|\}\}/g, (braces) => braces.slice(1)).replaceAll("\\\\", "/");
      if (part.type === "interpolation") return this.#orStar(field(part, "expression") ?? children(part)[0], depth);
      return "";
    }).join("");
  }

  #foldOperator(node: Node, depth: number): string | null {
    const operator = field(node, "operator")?.text ?? node.children[1]?.text;
    const left = this.fold(field(node, "left"), depth);
    const rightNode = field(node, "right");
    if (operator === "%") {
      if (left === null || !rightNode) return null;
      const values = rightNode.type === "tuple" ? children(rightNode) : [rightNode];
      let next = 0;
      return left.replace(/%[-+ #0-9.]*[a-z]/gi, () => this.#orStar(values[next++], depth));
    }
    const right = this.fold(rightNode, depth);
    if (left === null && right === null) return null;
    if (operator === "/") return joinPaths(left ?? "*", right ?? "*");
    if (operator === "+") return (left ?? "*") + (right ?? "*");
    return null;
  }

  #foldName(node: Node, depth: number): string | null {
    if (node.text === "__file__") return `${documentFolder}/__file__`;
    const meaning = this.#scopes.lookUp(node.text, node);
    if (!meaning) return null;
    return this.fold("value" in meaning ? meaning.value : meaning.parameter.default, depth);
  }

  #foldAttribute(node: Node, depth: number): string | null {
    const object = field(node, "object");
    const name = field(node, "attribute")?.text ?? "";
    if (!object) return null;
    if (name === "parent") return parentOf(this.fold(object, depth));
    if (optionHolders.test(object.text)) {
      const option = this.#scopes.optionDefault(name);
      if (option) return this.fold(option, depth);
    }
    if (object.text === "self") return this.fold(this.#scopes.selfAttribute(name, node), depth);
    if (name === "stem" || name === "name") {
      const path = this.fold(object, depth);
      const file = path?.slice(path.lastIndexOf("/") + 1) ?? null;
      return file === null || name === "name" ? file : file.replace(/\.[^.]*$/, "");
    }
    return null;
  }

  /** `path.parents[1]` */
  #foldSubscript(node: Node, depth: number): string | null {
    const value = field(node, "value");
    const index = field(node, "subscript");
    if (value?.type !== "attribute" || field(value, "attribute")?.text !== "parents" || index?.type !== "integer") return null;
    let path = this.fold(field(value, "object"), depth);
    for (let i = 0; i <= Math.min(Number(index.text), maxDepth); i++) path = parentOf(path);
    return path;
  }

  #foldCall(call: PythonCall, depth: number): string | null {
    const callee = field(call.node, "function");
    const name = lastPart(call.callee);
    const join = (nodes: Node[]): string => nodes.map((node) => this.#orStar(node, depth)).reduce(joinPaths);
    const first = call.positional[0];
    if (/(^|\.)path\.join$/.test(call.callee)) return first ? join(call.positional) : null;
    if (/(^|\.)path\.dirname$/.test(call.callee)) return parentOf(this.fold(first, depth));
    if (samePath.has(name)) return call.positional.length > 1 ? join(call.positional) : this.fold(first, depth);
    if (/(^|\.)(environ\.get|getenv)$/.test(call.callee)) return this.fold(argument(call, 1, "default"), depth);
    if (callee?.type !== "attribute") return null;

    const method = field(callee, "attribute")?.text ?? "";
    const object = this.fold(field(callee, "object"), depth);
    if (method === "joinpath") return [object ?? "*", ...call.positional.map((node) => this.#orStar(node, depth))].reduce(joinPaths);
    if (object === null) return null;
    if (method === "with_suffix") return object.replace(/(\.[^./]*)?$/, "") + (this.fold(first, depth) ?? ".*");
    if (method === "with_name") return joinPaths(parentOf(object) ?? "", this.#orStar(first, depth));
    if (method === "format") return object.replace(/\{[^}]*\}/g, "*");
    return samePathMethods.has(method) ? object : null;
  }
}

/** Python's rule: an absolute second part replaces the first. */
function joinPaths(a: string, b: string): string {
  if (b.startsWith("/") || b.startsWith(documentFolder)) return b;
  const tail = b.replace(/^(\.\/)+/, "");
  return a === "" || a === "." ? tail : `${a.replace(/\/+$/, "")}/${tail}`;
}

function parentOf(path: string | null): string | null {
  if (path === null || path === documentFolder) return path === null ? null : `${documentFolder}/..`;
  // Above `<document>/..` every further parent is one more step up.
  if (path.endsWith("/..")) return `${path}/..`;
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
}
