/** @file Small questions about tree-sitter nodes, shared by every language's scanner. */

import type { Node } from "web-tree-sitter";
import type { Range } from "../facts";

export function children(node: Node): Node[] {
  return node.namedChildren.filter((child) => child.type !== "comment");
}

export function field(node: Node, name: string): Node | null {
  return node.childForFieldName(name);
}

export function rangeOf(node: Node): Range {
  return {
    start: { line: node.startPosition.row, character: node.startPosition.column },
    end: { line: node.endPosition.row, character: node.endPosition.column },
  };
}

/** Visits a node and what is below it, in order. `visit` returns false to skip what is below. Deep trees need no deep stack. */
export function walk(root: Node, visit: (node: Node) => boolean | void): void {
  const stack = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (visit(node) === false) continue;
    const below = node.namedChildren;
    for (let i = below.length - 1; i >= 0; i--) {
      const child = below[i];
      if (child) stack.push(child);
    }
  }
}

/** All nodes of some types, in the order of the text, found in one walk. */
export function collect<Type extends string>(root: Node, types: readonly Type[]): Record<Type, Node[]> {
  const found = Object.fromEntries(types.map((type) => [type, [] as Node[]])) as Record<Type, Node[]>;
  const wanted: Partial<Record<string, Node[]>> = found;
  walk(root, (node) => {
    wanted[node.type]?.push(node);
  });
  return found;
}

const dottedTypes = new Set(["identifier", "attribute", "dotted_name", "member_expression", "property_identifier"]);

/** `a.b.c` of an identifier or attribute chain, without white space; null for anything else. */
export function dottedName(node: Node | null): string | null {
  if (!node || !dottedTypes.has(node.type)) return null;
  const { text } = node;
  return /^[\w$.\s]+$/.test(text) ? text.replace(/\s+/g, "") : null;
}

export function lastPart(dotted: string): string {
  return dotted.slice(dotted.lastIndexOf(".") + 1);
}
