/** @file Arguments of a Python call, and plain string literals. */

import type { Node } from "web-tree-sitter";
import { children, dottedName, field } from "../syntax/nodes";

export interface PythonCall {
  node: Node;
  /** Callee as written, without white space; empty when it is no dotted name. */
  callee: string;
  positional: Node[];
  keyword: Map<string, Node>;
  /** `*args` or `**kwargs` occur. */
  open: boolean;
}

export function readCall(node: Node): PythonCall | null {
  if (node.type !== "call") return null;
  const list = field(node, "arguments");
  const call: PythonCall = {
    node, callee: dottedName(field(node, "function")) ?? "", positional: [], keyword: new Map(), open: false,
  };
  // `f(x for x in y)` has a generator in place of an argument list.
  if (list?.type !== "argument_list") return list ? { ...call, positional: [list] } : call;
  for (const argument of children(list)) {
    if (argument.type === "keyword_argument") {
      const name = field(argument, "name");
      const value = field(argument, "value");
      if (name && value) call.keyword.set(name.text, value);
    } else if (argument.type === "list_splat" || argument.type === "dictionary_splat") {
      call.open = true;
      if (argument.type === "list_splat") call.positional.push(argument);
    } else {
      call.positional.push(argument);
    }
  }
  return call;
}

/** Argument by position or keyword. */
export function argument(call: PythonCall, position: number, name: string): Node | null {
  return call.keyword.get(name) ?? call.positional[position] ?? null;
}

/** Text of a string without interpolations; null for anything else. */
export function literal(node: Node | null | undefined): string | null {
  if (node?.type !== "string" || node.namedChildren.some((child) => child.type === "interpolation")) return null;
  return node.namedChildren.filter((child) => child.type === "string_content").map((child) => child.text).join("");
}
