/** @file File URIs and paths. */

import { fileURLToPath, pathToFileURL } from "node:url";

/** Path of a file URI; null for any other scheme. */
export function pathOf(uri: string): string | null {
  try {
    return uri.startsWith("file:") ? fileURLToPath(uri) : null;
  } catch {
    return null;
  }
}

export function uriOf(path: string): string {
  return pathToFileURL(path).href;
}

/**
 * One spelling per file: editors escape other characters than Node does (`%3A`, `+`, parentheses), so that two spellings
 * of one URI would be two documents.
 */
export function sameSpelling(uri: string): string {
  const path = pathOf(uri);
  return path === null ? uri : uriOf(path);
}
