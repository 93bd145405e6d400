/** @file Brings a TypeScript file of the product into a script, so that what both need is written once. */

import { join } from "node:path";
import { build } from "esbuild";
import { root } from "./run.mjs";

/**
 * The exports of a file that needs nothing but other files of the product.
 * @param {string} file from the project's root
 */
export async function importTypeScript(file) {
  const { outputFiles: [{ text }] } = await build({
    absWorkingDir: root, entryPoints: [join(root, file)], bundle: true, write: false, format: "esm", platform: "neutral", target: "node20", logLevel: "warning",
  });
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}
