/** @file Calls of what may be a class of the workspace; they tell the sizes that a class is built with. */

import type { Node } from "web-tree-sitter";
import type { Construction } from "../facts";
import { lastPart, rangeOf, walk } from "../syntax/nodes";
import { readCall } from "./calls";
import type { ValueFolder } from "./values";

export function readConstructions(root: Node, values: ValueFolder): Construction[] {
  const found: Construction[] = [];
  walk(root, (node) => {
    const call = readCall(node);
    if (call && /^[A-Z]/.test(lastPart(call.callee)) && !/(^|\.)(nn|torch|np|os|Path)\./.test(call.callee)) {
      found.push({ callee: call.callee, arguments: values.arguments(call), range: rangeOf(node) });
    }
  });
  return found;
}
