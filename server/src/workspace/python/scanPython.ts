/** @file Everything that one Python document tells. */

import type { Node } from "web-tree-sitter";
import type { DocumentFacts } from "../facts";
import { readConstructions } from "./constructions";
import { readImports } from "./imports";
import { readModuleDefinitions } from "./layerDefinitions";
import { readModelReferences } from "./modelReferences";
import { PathFolder } from "./pathExpressions";
import { Scopes } from "./scopes";
import { ValueFolder } from "./values";

export function scanPython(uri: string, root: Node): DocumentFacts {
  const scopes = new Scopes(root);
  const values = new ValueFolder(scopes);
  const paths = new PathFolder(scopes);
  return {
    uri,
    references: readModelReferences(root, paths),
    modules: readModuleDefinitions(root, scopes, values, paths),
    constructions: readConstructions(root, values),
    imports: readImports(root),
    spec: null,
  };
}
