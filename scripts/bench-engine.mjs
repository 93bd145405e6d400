/**
 * @file `npm run bench:engine -- [--clock processor]`: matrix products and elementwise operations of every engine that runs here, and the
 * eigensolver beside NumPy's. Numbers are only comparable within one run on a quiet machine.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
// Inside the project, so that the bundle finds its packages.
const folder = join(root, "dist", `bench-${process.pid}`);
mkdirSync(folder, { recursive: true });
try {
  await build({
    absWorkingDir: root, entryPoints: ["test/bench/engineBench.ts"], outfile: join(folder, "engineBench.js"),
    bundle: true, platform: "node", format: "cjs", target: "node20", mainFields: ["module", "main"], loader: { ".wasm": "binary" }, logLevel: "warning",
    external: ["webgpu", "onnxruntime-node", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"],
  });
  process.exitCode = spawnSync(process.execPath, [join(folder, "engineBench.js"), ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
