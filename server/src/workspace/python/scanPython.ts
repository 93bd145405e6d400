/** @file Everything that one Python document tells. */

import type { Node } from "web-tree-sitter";
import type { DocumentFacts } from "../facts";
import { collect } from "../syntax/nodes";
import { readConstructions } from "./constructions";
import { readImports } from "./imports";
import { readModuleDefinitions } from "./layerDefinitions";
import { readModelReferences } from "./modelReferences";
import { PathFolder } from "./pathExpressions";
import { Scopes } from "./scopes";
import { ValueFolder } from "./values";

export function scanPython(uri: string, root: Node): DocumentFacts {
  const nodes = collect(root, ["assignment", "call", "class_definition", "import_statement", "import_from_statement"]);
  const scopes = new Scopes(nodes.assignment, nodes.call);
  const values = new ValueFolder(scopes);
  const paths = new PathFolder(scopes);
  return {
    uri,
    references: readModelReferences(nodes.call, paths),
    modules: readModuleDefinitions(root, nodes, scopes, values, paths),
    constructions: readConstructions(nodes.call, values),
    imports: readImports(nodes.import_statement, nodes.import_from_statement),
    spec: null,
  };
}
