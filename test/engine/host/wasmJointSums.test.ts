/** @file Joint sums on two threads: the same bits as on one, whatever becomes of the second. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { WasmJointSums } from "../../../server/src/engine/host/wasmJointSums";
import { offerHelperThread } from "../../../server/src/engine/kernels/helperThread";
import { pairCount } from "../../../server/src/engine/shapes";
import { gaussian } from "../../core/support/networks";
import { bundle } from "../../analysis/bundles";

const folder = await bundle(["kernelThread"]);
afterEach(() => offerHelperThread(null));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, code: string): string {
  const file = join(folder, `${name}.cjs`);
  writeFileSync(file, code);
  return file;
}

// Enough additions for two threads, and more pairs than one pass takes.
const [samples, width, conditions] = [600, 37, 140];

it.each([
  ["that works", (): string => join(folder, "kernelThread.js")],
  ["whose file is missing", (): string => join(folder, "missing.js")],
  ["that fails at once", (): string => script("failing", "throw new Error('no');")],
  ["that dies in the middle", (): string => script("dying", `
    const word = new Int32Array(require("node:worker_threads").workerData.calls);
    while (Atomics.compareExchange(word, 0, 1, 2) !== 1) Atomics.wait(word, 0, 0, 10);
  `)],
])("have the same bits with a thread %s", (_what, file) => {
  const next = gaussian(3);
  const values = Float32Array.from({ length: samples * width }, next);
  const signs = Float32Array.from({ length: samples * conditions }, next);
  const sums = (): Buffer => {
    const out = new Float32Array(pairCount(conditions) * width);
    const joint = new WasmJointSums();
    for (let again = 0; again < 3; again += 1) joint.run(values, width, signs, conditions, out.fill(NaN));
    return Buffer.from(out.buffer);
  };
  const alone = sums();
  offerHelperThread({ file: file(), patience: 1 });
  expect(sums().equals(alone)).toBe(true);
});
