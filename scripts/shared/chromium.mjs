/** @file Finds the browser that drives the editor in tests. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/**
 * The browser's path: CHROMIUM, else the first known name in PATH.
 * @throws {Error} one sentence that says how to get one
 */
export function findChromium() {
  const given = process.env.CHROMIUM;
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`CHROMIUM points to ${given}, which does not exist.`);
  }
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((file) => existsSync(file));
  if (found === undefined) {
    throw new Error("No Chromium found for the tests in the real editor: install it (Debian: apt-get install chromium), name it in CHROMIUM, or set LIB_LENS_SKIP_E2E=1.");
  }
  return found;
}
