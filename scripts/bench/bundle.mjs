/** @file Bundles a measuring program from test/bench and runs it: these measure inside the process, below the command line. */

import { spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { schemaValidators } from "../shared/schemaValidator.mjs";
import { root } from "../shared/run.mjs";

/**
 * Calls `body` with a function that runs the program and gives what it printed on standard output; its standard error goes to the terminal.
 * @param {string} entry file in test/bench without its ending
 * @param {(run: (...args: string[]) => Promise<string>) => Promise<void>} body
 */
export async function withProgram(entry, body) {
  // Inside the project, so that the bundle finds its packages.
  const folder = join(root, "dist", `bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    const program = join(folder, `${entry}.js`);
    await build({
      absWorkingDir: root, entryPoints: { [entry]: `test/bench/${entry}.ts`, kernelThread: "server/src/kernelThread.ts" }, outdir: folder,
      bundle: true, platform: "node", format: "cjs", target: "node20", mainFields: ["module", "main"], loader: { ".wasm": "binary" }, logLevel: "warning",
      plugins: [schemaValidators],
      external: ["webgpu", "onnxruntime-node", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"],
    });
    await body((...args) => output(program, args));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function output(program, args) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (part) => { text += part; });
    child.once("error", failed);
    child.once("close", (code) => {
      if (code === 0) done(text);
      else failed(new Error(`The measuring program ended with code ${code}; its message stands above.`));
    });
  });
}
