/** @file Import statements of a Python document. */

import type { Node } from "web-tree-sitter";
import type { ImportedName } from "../facts";
import { children, field } from "../syntax/nodes";

/** @param statements `import …`; @param fromStatements `from … import …` */
export function readImports(statements: readonly Node[], fromStatements: readonly Node[]): ImportedName[] {
  const modules = statements.flatMap((node) => names(node).map(({ name, as }) => ({ module: name, level: 0, name: null, as })));
  return [...modules, ...fromStatements.flatMap(readFrom)];
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
