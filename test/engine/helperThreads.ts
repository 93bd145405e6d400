/** @file Second threads of every kind for tests: the built one, and those that a kernel must do without. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { offerHelperThread } from "../../server/src/engine/kernels/helperThread";
import { bundle } from "../analysis/bundles";

interface HelperThreads {
  /** The built entry. */
  readonly entry: string;
  script(name: string, code: string): string;
  /** What the thread does, and the file to offer. */
  readonly kinds: readonly (readonly [string, () => string])[];
}

/** Builds the entry; nothing is offered after a test, and the files are gone after the last. */
export async function helperThreads(): Promise<HelperThreads> {
  const folder = await bundle(["kernelThread"]);
  afterEach(() => offerHelperThread(null));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const entry = join(folder, "kernelThread.js");
  const script = (name: string, code: string): string => {
    const file = join(folder, `${name}.cjs`);
    writeFileSync(file, code);
    return file;
  };
  return {
    entry,
    script,
    kinds: [
      ["that works", () => entry],
      ["whose file is missing", () => join(folder, "missing.js")],
      ["that fails at once", () => script("failing", "throw new Error('no');")],
      ["that never answers", () => script("silent", "setTimeout(() => {}, 60_000).unref(); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);")],
      ["that dies in the middle", () => script("dying", dying)],
    ],
  };
}

/** Waits for posted work (the first word of the calls is 1), marks it as begun (2), takes a call (the third word) and ends. */
export const dying = `
  const word = new Int32Array(require("node:worker_threads").workerData.calls);
  while (Atomics.compareExchange(word, 0, 1, 2) !== 1) Atomics.wait(word, 0, 0, 10);
  Atomics.add(word, 2, 1);
`;
