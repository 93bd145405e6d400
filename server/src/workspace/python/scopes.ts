/** @file Names of a Python document: what is assigned where, parameters and their defaults, argparse options. */

import type { Node } from "web-tree-sitter";
import { children, field } from "../syntax/nodes";
import { literal, readCall } from "./calls";

/** The function around a node; null at module level. */
export function enclosingFunction(node: Node): Node | null {
  for (let above = node.parent; above; above = above.parent) {
    if (above.type === "function_definition") return above;
  }
  return null;
}

/** The class around a node, whatever functions are between. */
function enclosingClass(node: Node): Node | null {
  for (let above = node.parent; above; above = above.parent) {
    if (above.type === "class_definition") return above;
  }
  return null;
}

/** The node runs in a loop or under a condition, so that its position in a list is not certain. */
export function isConditional(node: Node): boolean {
  for (let above = node.parent; above && above.type !== "function_definition" && above.type !== "module"; above = above.parent) {
    if (/^(for|while|if|try)_statement$/.test(above.type)) return true;
  }
  return false;
}

export interface PythonParameter { name: string; default: Node | null }

/** Parameters of a function or lambda in order, `self` included. */
export function parametersOf(definition: Node): PythonParameter[] {
  const list = field(definition, "parameters");
  if (!list) return [];
  return children(list).flatMap((node) => {
    const name = field(node, "name") ?? (node.type === "typed_parameter" ? children(node)[0] : node);
    return name?.type === "identifier" ? [{ name: name.text, default: field(node, "value") }] : [];
  });
}

export class Scopes {
  /** Key: function id (0 at module level), then the name. */
  readonly #assigned = new Map<string, Node[]>();
  readonly #selfAssigned = new Map<string, Node[]>();
  readonly #argparse = new Map<string, Node>();

  /** @param assignments, calls of the document, in the order of the text */
  constructor(assignments: readonly Node[], calls: readonly Node[]) {
    for (const node of assignments) this.#recordAssignment(node);
    for (const node of calls) this.#recordOption(node);
  }

  /** Value nodes that `name` is assigned in one scope, in the order of the text. */
  assignments(scope: Node | null, name: string): readonly Node[] {
    return this.#assigned.get(`${scope?.id ?? 0}:${name}`) ?? [];
  }

  /**
   * What `name` means at `at`: the value last assigned before it in this or an outer scope, or a parameter.
   * null when unknown, as for a loop variable.
   */
  lookUp(name: string, at: Node): { value: Node } | { parameter: PythonParameter; of: Node } | null {
    for (let scope = enclosingFunction(at); ; scope = enclosingFunction(scope)) {
      const values = this.assignments(scope, name);
      // At module level a later assignment counts too: the function that reads it runs after the module.
      const inside = enclosingFunction(at)?.id === scope?.id;
      const before = inside ? values.filter((value) => value.endIndex <= at.startIndex) : values;
      const value = before.at(-1);
      if (value) return { value };
      if (!scope) return null;
      const parameter = parametersOf(scope).find((candidate) => candidate.name === name);
      if (parameter) return { parameter, of: scope };
    }
  }

  /** Value of `self.name`: the only assignment to it in the class around `at`; null when there are several. */
  selfAttribute(name: string, at: Node): Node | null {
    const values = this.#selfAssigned.get(`${enclosingClass(at)?.id ?? 0}:${name}`) ?? [];
    return values.length === 1 ? values[0] ?? null : null;
  }

  /** Default of the argparse option behind `args.name`. */
  optionDefault(name: string): Node | null {
    return this.#argparse.get(name) ?? null;
  }

  #recordAssignment(node: Node): void {
    const left = field(node, "left");
    const right = field(node, "right");
    if (!left || !right) return;
    if (left.type === "identifier") {
      push(this.#assigned, `${enclosingFunction(node)?.id ?? 0}:${left.text}`, right);
    } else if (left.type === "attribute" && field(left, "object")?.text === "self") {
      push(this.#selfAssigned, `${enclosingClass(node)?.id ?? 0}:${field(left, "attribute")?.text ?? ""}`, right);
    }
  }

  #recordOption(node: Node): void {
    const call = readCall(node);
    if (!call || !/(^|\.)add_argument$/.test(call.callee)) return;
    const value = call.keyword.get("default");
    const named = literal(call.keyword.get("dest"));
    const flags = call.positional.map(literal).filter((flag) => flag !== null);
    const name = named ?? flags.find((flag) => flag.startsWith("--")) ?? flags[0];
    if (value && name) this.#argparse.set(name.replace(/^-+/, "").replaceAll("-", "_"), value);
  }
}

function push(map: Map<string, Node[]>, key: string, value: Node): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
