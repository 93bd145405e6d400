/** @file Document links: references to model and data files that exist in the workspace. */

import { basename } from "node:path";
import type { DocumentLink } from "vscode-languageserver";
import { uriOf } from "../workspace/uris";
import type { LanguageContext } from "./context";

export function documentLinks(context: LanguageContext, uri: string): DocumentLink[] {
  return context.snapshot.references(uri).flatMap(({ reference, files }) => {
    // Of several matches the last one in natural order: `epoch12` after `epoch9`.
    const target = [...files].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1);
    if (target === undefined) return [];
    const others = files.length > 1 ? ` (last of ${files.length} files that match ${reference.path})` : "";
    return [{ range: reference.range, target: uriOf(target), tooltip: `Open ${basename(target)}${others}` }];
  });
}
