/** @file Constant folder for the arguments of layers: numbers that may depend on constructor parameters. */

import type { Node } from "web-tree-sitter";
import type { CallArguments, Value } from "../facts";
import { children, field } from "../syntax/nodes";
import { type PythonCall, literal } from "./calls";
import type { Scopes } from "./scopes";

const maxDepth = 12;

export class ValueFolder {
  readonly #scopes: Scopes;

  constructor(scopes: Scopes) {
    this.#scopes = scopes;
  }

  fold(node: Node | null | undefined, depth = 0): Value {
    if (!node || depth > maxDepth) return null;
    switch (node.type) {
      case "integer": {
        const value = Number(node.text.replaceAll("_", ""));
        return Number.isSafeInteger(value) ? value : null;
      }
      case "true": return true;
      case "false": return false;
      case "string": return literal(node);
      case "parenthesized_expression": return this.fold(children(node)[0], depth + 1);
      case "tuple": case "list": return children(node).map((part) => this.fold(part, depth + 1));
      case "binary_operator": return this.#foldOperator(node, depth + 1);
      case "identifier": return this.#foldName(node, depth + 1);
      case "attribute": {
        if (field(node, "object")?.text !== "self") return null;
        return this.fold(this.#scopes.selfAttribute(field(node, "attribute")?.text ?? "", node), depth + 1);
      }
      default: return null;
    }
  }

  arguments(call: PythonCall): CallArguments {
    return {
      positional: call.positional.map((node) => this.fold(node)),
      keyword: [...call.keyword].map(([name, node]) => [name, this.fold(node)]),
      open: call.open,
    };
  }

  #foldOperator(node: Node, depth: number): Value {
    const left = this.fold(field(node, "left"), depth);
    const right = this.fold(field(node, "right"), depth);
    const operator = field(node, "operator")?.text ?? "";
    if (left === null || right === null || !isOperator(operator)) return null;
    return evaluate({ op: operator, left, right }, null);
  }

  #foldName(node: Node, depth: number): Value {
    const meaning = this.#scopes.lookUp(node.text, node);
    if (!meaning) return null;
    if ("value" in meaning) return this.fold(meaning.value, depth);
    // Only constructor parameters are filled in later, by the calls of the class.
    return constructorNames.has(field(meaning.of, "name")?.text ?? "") ? { parameter: node.text } : null;
  }
}

/** Methods whose parameters are the constructor's: PyTorch and Keras, Flax. */
export const constructorNames: ReadonlySet<string> = new Set(["__init__", "setup"]);

type Operator = "+" | "-" | "*" | "//";
function isOperator(text: string): text is Operator {
  return text === "+" || text === "-" || text === "*" || text === "//";
}

/**
 * Fills in parameters and computes. With `parameters` null, parameters stay as they are; otherwise one that is not in
 * the map is unknown (null).
 */
export function evaluate(value: Value, parameters: ReadonlyMap<string, Value> | null): Value {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((part) => evaluate(part, parameters));
  if ("parameter" in value) return parameters ? parameters.get(value.parameter) ?? null : value;
  const left = evaluate(value.left, parameters);
  const right = evaluate(value.right, parameters);
  if (typeof left === "number" && typeof right === "number") {
    switch (value.op) {
      case "+": return left + right;
      case "-": return left - right;
      case "*": return left * right;
      case "//": return right === 0 ? null : Math.floor(left / right);
    }
  }
  return left === null || right === null || parameters ? null : { op: value.op, left, right };
}
