/** @file Loading packages that may be missing: native ones stay outside the bundle and are optional. */

import { createRequire } from "node:module";
import { dirname } from "node:path";

/** From this file in the source tree, from the bundle's folder when bundled: node_modules is found upwards from either. */
const nodeRequire = createRequire(__filename);

export type Loaded<T> = { module: T; version: string } | { missing: string };

/**
 * Loads `request`, a module of the package `name`. Never throws: what is wrong comes back as one sentence.
 */
export function loadPackage<T>(name: string, request: string = name): Loaded<T> {
  const version = packageVersion(name);
  if (version === null) return { missing: `The package ${name} is not installed.` };
  try {
    return { module: nodeRequire(request) as T, version };
  } catch (error) {
    return { missing: `The package ${name} ${version} is installed but does not load: ${firstLine(error)}` };
  }
}

/** Folder of an installed package, null when it is not installed. */
export function packageFolder(name: string): string | null {
  try {
    return dirname(nodeRequire.resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}

/** Version of an installed package, null when it is not installed. */
export function packageVersion(name: string): string | null {
  try {
    return (nodeRequire(`${name}/package.json`) as { version: string }).version;
  } catch {
    return null;
  }
}

/** Loads a module by its path or name, as `require` does from this file. */
export function requireFile<T>(path: string): T {
  return nodeRequire(path) as T;
}

export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0].trim();
}
