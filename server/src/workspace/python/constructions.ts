/** @file Calls of what may be a class of the workspace; they tell the sizes that a class is built with. */

import type { Node } from "web-tree-sitter";
import type { Construction } from "../facts";
import { dottedName, field, lastPart, rangeOf } from "../syntax/nodes";
import { readCall } from "./calls";
import type { ValueFolder } from "./values";

export function readConstructions(calls: readonly Node[], values: ValueFolder): Construction[] {
  return calls.flatMap((node) => {
    const callee = dottedName(field(node, "function")) ?? "";
    if (!/^[A-Z]/.test(lastPart(callee)) || /(^|\.)(nn|torch|np|os|Path)\./.test(callee)) return [];
    const call = readCall(node);
    return call ? [{ callee, arguments: values.arguments(call), range: rangeOf(node) }] : [];
  });
}
