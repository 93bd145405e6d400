/** @file Which files of the workspace a reference in code means. */

import { dirname, join, normalize, resolve } from "node:path";
import type { FileReference } from "../facts";
import { globExpression, hasWildcard } from "./glob";
import { insideWorkspace, isBelow } from "./workspaceFiles";

const maxMatches = 50;

export interface ResolvedReference {
  /** Absolute paths of existing files inside the workspace, best first. */
  files: string[];
  /** Where the file would be, when the path says so without `*` and lies inside the workspace; for messages. */
  expected: string | null;
}

/**
 * @param document absolute path of the document that holds the reference
 * @param models absolute paths of the models in the workspace, for `*`
 */
export async function resolveReference(
  reference: Pick<FileReference, "path" | "anchor">, document: string, folders: readonly string[], models: readonly string[],
): Promise<ResolvedReference> {
  const bases = basesOf(reference, document, folders);
  const wanted = bases.map((base) => (reference.anchor === "absolute" ? normalize(reference.path) : resolve(base, reference.path)));
  if (hasWildcard(reference.path)) {
    const expressions = wanted.map((path) => globExpression(path.replaceAll("\\", "/")));
    const matching = models.filter((model) => expressions.some((expression) => expression.test(model.replaceAll("\\", "/"))));
    const files = await Promise.all(matching.slice(0, maxMatches).map((model) => insideWorkspace(model, folders)));
    return { files: [...new Set(files.filter((file) => file !== null))], expected: null };
  }
  const files = new Set<string>();
  for (const path of wanted) {
    for (const candidate of [path, ...filesOfFolder(path)]) {
      const file = await insideWorkspace(candidate, folders);
      if (file) files.add(file);
    }
    // The script's own folder wins over the workspace folder: that is where such scripts are started from.
    if (files.size > 0) break;
  }
  return { files: [...files], expected: wanted.find((path) => folders.some((folder) => isBelow(path, folder))) ?? null };
}

function basesOf(reference: Pick<FileReference, "anchor">, document: string, folders: readonly string[]): string[] {
  const own = dirname(document);
  return reference.anchor === "relative" ? [own, ...folders.filter((folder) => folder !== own)] : [own];
}

/** `from_pretrained("runs/best")` names a folder in the layout of Hugging Face. */
function filesOfFolder(path: string): string[] {
  return ["model.safetensors", "pytorch_model.bin"].map((name) => join(path, name));
}
