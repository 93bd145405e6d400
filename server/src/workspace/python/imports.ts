/** @file Import statements of a Python document. */

import type { Node } from "web-tree-sitter";
import type { ImportedName } from "../facts";
import { children, field, walk } from "../syntax/nodes";

export function readImports(root: Node): ImportedName[] {
  const found: ImportedName[] = [];
  walk(root, (node) => {
    if (node.type === "import_from_statement") found.push(...readFrom(node));
    else if (node.type === "import_statement") found.push(...names(node).map(({ name, as }) => ({ module: name, level: 0, name: null, as })));
    else return true;
    return false;
  });
  return found;
}

function readFrom(node: Node): ImportedName[] {
  const source = field(node, "module_name")?.text ?? "";
  const level = /^\.*/.exec(source)?.[0].length ?? 0;
  const module = source.slice(level);
  const star = children(node).some((child) => child.type === "wildcard_import");
  return star
    ? [{ module, level, name: "*", as: "*" }]
    : names(node).map(({ name, as }) => ({ module, level, name, as }));
}

function names(node: Node): { name: string; as: string }[] {
  return node.childrenForFieldName("name").flatMap((child) => {
    if (child.type !== "aliased_import") return [{ name: child.text, as: child.text }];
    const name = field(child, "name")?.text;
    const as = field(child, "alias")?.text;
    return name && as ? [{ name, as }] : [];
  });
}
