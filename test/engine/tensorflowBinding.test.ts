/** @file TensorFlow in threads that come and go, as the analyses of a language server do. */

import { build } from "esbuild";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import util from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageVersion } from "../../server/src/engine/nativePackages";
import { loadBinding, tensorflowAddon } from "../../server/src/engine/tensorflow/binding";
import { startTensorflow } from "../../server/src/engine/tensorflow/tensorflowBackend";
import { TfjsEngine } from "../../server/src/engine/tfjs/tfjsEngine";

const addon = tensorflowAddon();
const missing = addon === null ? "there is no TensorFlow: npm run engine:tensorflow" : null;

/** Starts the threads one after the other; each loads the addon, and those of "use" keep a tensor in it. */
const program = `
  const { once } = require("node:events");
  const { Worker, isMainThread, parentPort, workerData } = require("node:worker_threads");
  const { loadBinding, quietTensorflow } = require("./binding.js");
  if (isMainThread) (async () => {
    quietTensorflow();
    for (const what of process.argv.slice(2)) {
      const worker = new Worker(__filename, { workerData: what });
      worker.on("message", (text) => console.log(text));
      // Beside the next thread.
      if (what === "early") continue;
      const [code] = await once(worker, "exit");
      if (code !== 0) throw new Error("a thread ended with code " + code);
    }
  })();
  else {
    const { binding, missing } = loadBinding();
    if (missing !== undefined) throw new Error(missing);
    if (loadBinding().binding !== binding) throw new Error("loaded twice");
    const squares = Float32Array.from({ length: 9 }, (_, i) => i * i);
    const kept = workerData === "use" ? binding.tensorDataSync(binding.createTensor([3, 3], binding.TF_FLOAT, squares)) : squares;
    parentPort.postMessage(workerData + " " + Array.from(kept));
  }
`;

describe.skipIf(missing !== null)(`TensorFlow's native half${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  let folder = "";
  beforeAll(async () => {
    // Inside the project, so that the bundle finds its packages.
    const parent = resolve("artifacts", "test-bundles");
    mkdirSync(parent, { recursive: true });
    folder = mkdtempSync(join(parent, "binding-"));
    await build({
      entryPoints: ["server/src/engine/tensorflow/binding.ts"], outfile: join(folder, "binding.js"), bundle: true, platform: "node", format: "cjs", target: "node20",
      logLevel: "error",
    });
    writeFileSync(join(folder, "threads.cjs"), program);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([[["load"]], [["use"]], [["load", "use", "load", "use"]], [["early", "use"]], [["use", "early", "early", "load"]]])("threads that %j: each has it, says nothing else, and the process ends well", (threads) => {
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(folder, "threads.cjs"), ...threads], { encoding: "utf8" });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
    expect(stdout.trim().split("\n").sort()).toEqual([...threads].sort().map((what) => `${what} 0,1,4,9,16,25,36,49,64`));
  });

  it("computes with tfjs where Node lacks the functions that Node 23 removed", async () => {
    const functions = util as unknown as Record<string, unknown>;
    const removed = ["isNullOrUndefined", "isArray"].map((name) => [name, functions[name]] as const);
    for (const [name] of removed) delete functions[name];
    try {
      const loaded = loadBinding();
      const started = "missing" in loaded ? loaded : await startTensorflow(loaded);
      if ("missing" in started) throw new Error(started.missing);
      const engine = new TfjsEngine(started);
      const product = engine.matMul(engine.tensor([1, 2, 3, 4], [2, 2]), engine.tensor([1, 10, 100, 1000], [2, 2]), { transposeB: true });
      expect(Array.from(await engine.read(engine.softmax(engine.tensor([7, 7], [1, 2]))))).toEqual([0.5, 0.5]);
      expect(Array.from(await engine.read(product))).toEqual([21, 2100, 43, 4300]);
    } finally {
      for (const [name, value] of removed) if (value !== undefined) functions[name] = value;
    }
  });
});

const noPackage = packageVersion("@tensorflow/tfjs-node") === null ? "@tensorflow/tfjs-node is not installed" : null;

it.skipIf(noPackage !== null)(`a file that is no addon, and a folder without one, are one sentence each${noPackage === null ? "" : ` (skipped: ${noPackage})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "lib-lens-binding-"));
  try {
    expect(loadBinding({ LIB_LENS_TENSORFLOW: folder })).toEqual({ missing: `LIB_LENS_TENSORFLOW names ${folder}, where there is no tfjs_binding.node.` });
    writeFileSync(join(folder, "tfjs_binding.node"), "no library\n");
    expect(loadBinding({ LIB_LENS_TENSORFLOW: folder })).toEqual({ missing: expect.stringMatching(/^The TensorFlow addon \S+tfjs_binding\.node does not load: [^\n]+$/) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
