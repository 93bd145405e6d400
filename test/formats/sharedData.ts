/** @file Finds the shared data folder beside the checkout (or beside a folder of worktrees). */

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(__dirname, "../..");
const folder = [resolve(root, "../shared/data"), resolve(root, "../../shared/data")].find((candidate) => existsSync(candidate));

/** Absolute path of a shared file, or null when it is not there: the test must then skip. */
export function sharedData(...parts: string[]): string | null {
  if (folder === undefined) return null;
  const path = join(folder, ...parts);
  return existsSync(path) ? path : null;
}
