/** @file Makes sure that the project's packages are installed, so that `npm start` and `npm test` work in a fresh clone. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, run } from "./run.mjs";

const oldestNode = 20;

/**
 * Runs `npm ci` where node_modules is missing. A failed optional package (a native backend) does not count: npm leaves it out.
 * @throws {Error} one sentence that says what to do
 */
export async function ensureInstalled() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode) throw new Error(`Node ${process.versions.node} is too old: install Node ${oldestNode} or newer.`);
  // esbuild is a direct dependency: without it an earlier install did not finish
  if (existsSync(join(root, "node_modules/esbuild/package.json"))) return;
  console.log("Installing packages (npm ci) …");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const code = await run(npm, ["ci", "--no-audit", "--no-fund"]);
  if (code !== 0) throw new Error(`npm ci ended with code ${code}: check that the npm registry can be reached, then run this again.`);
}
