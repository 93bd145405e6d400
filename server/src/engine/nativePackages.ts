/** @file Loading packages that may be missing: native ones stay outside the bundle and are optional. */

import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, sep } from "node:path";

/** From this file in the source tree, from the bundle's folder when bundled: node_modules is found upwards from either. */
const nodeRequire = createRequire(__filename);

/**
 * A folder where a package is found from here once it is installed there. An extension lies below the home folder, and its own folder goes with
 * its next update.
 */
const installFolder = __filename.startsWith(homedir() + sep) ? homedir() : dirname(__dirname);

/** The sentence for an optional package that is missing: what to do about it. */
export function notInstalled(name: string): string {
  return `The package ${name} is not installed: run \`npm install ${name}\` in ${installFolder}.`;
}

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
