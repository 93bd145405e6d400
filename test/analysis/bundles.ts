/** @file The worker and the command line, bundled as they ship, for tests that start real threads and processes. */

import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { schemaValidators } from "../../scripts/shared/schemaValidator.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Inside the project, so that the packages that stay external are found. */
export async function bundle(entries: readonly ("worker" | "cli" | "probe" | "kernelThread")[]): Promise<string> {
  const parent = join(root, "artifacts", "test-bundles");
  await mkdir(parent, { recursive: true });
  const outdir = mkdtempSync(join(parent, "run-"));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entries.map((name) => [name, name === "probe" ? "server/src/engine/probe.ts" : `server/src/${name}.ts`])),
    outdir,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    mainFields: ["module", "main"],
    loader: { ".wasm": "binary" },
    plugins: [schemaValidators],
    external: ["onnxruntime-node", "webgpu", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"],
    logLevel: "error",
  });
  return outdir;
}

export interface Finished { code: number | null; stdout: string; stderr: string; milliseconds: number }

/** Runs the bundled command line. @param onStderr sees the output as it comes, with the process, to interrupt it. */
export function runCli(
  bundles: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv; onStderr?: (text: string, kill: (signal: NodeJS.Signals) => void) => void } = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const env = { ...process.env, LIB_LENS_BACKEND: "wasm", ...options.env };
    const child = spawn(process.execPath, [join(bundles, "cli.js"), ...args], { env, ...(options.cwd !== undefined ? { cwd: options.cwd } : {}) });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
      options.onStderr?.(stderr, (signal) => child.kill(signal));
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr, milliseconds: performance.now() - started }));
  });
}
