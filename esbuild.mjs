// Builds dist/: the bundles of the extension, the server, the worker, the probe, the command line and the views,
// and the WebAssembly files that they load at run time. Options: --watch, --production (minified, no source maps).
import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { schemaValidators } from "./scripts/shared/schemaValidator.mjs";

const root = dirname(fileURLToPath(import.meta.url));

/** Never bundled: the editor's own API and packages with native binaries, which are loaded when they are installed. */
const external = ["vscode", "onnxruntime-node", "webgpu", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"];

/** [bundle in dist, entry point]; everything but the view runs in Node. */
const nodeEntries = [
  ["extension", "client/src/extension.ts"],
  ["server", "server/src/server.ts"],
  ["worker", "server/src/worker.ts"],
  ["kernelThread", "server/src/kernelThread.ts"],
  ["libraryThread", "server/src/libraryThread.ts"],
  ["workspaceWorker", "server/src/workspaceWorker.ts"],
  ["probe", "server/src/engine/probe.ts"],
];
const commandEntries = [["cli", "server/src/cli.ts"]];
const viewEntries = [["webview/result", "webview/src/main.ts"]];

/** Loaded from disk at run time. Threads are off in Node, so the threaded build of the tensor kernels is not needed. */
export const wasmFiles = [
  "web-tree-sitter/web-tree-sitter.wasm",
  "tree-sitter-python/tree-sitter-python.wasm",
  "tree-sitter-typescript/tree-sitter-typescript.wasm",
  "tree-sitter-typescript/tree-sitter-tsx.wasm",
  "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm",
  "@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm",
];

const packageFolder = (name) => join(root, "node_modules", name);

function present(entries) {
  return entries.filter(([name, source]) => {
    if (existsSync(join(root, source))) return true;
    console.log(`skipped ${name}: ${source} does not exist`);
    return false;
  }).map(([out, source]) => ({ in: source, out }));
}

/** The command line gets a shebang of its own, so it is a build apart from the other Node bundles. */
function builds({ production }) {
  const common = {
    absWorkingDir: root,
    outdir: "dist",
    bundle: true,
    loader: { ".wasm": "binary" },
    plugins: [schemaValidators],
    minify: production,
    keepNames: production, // error messages show class names
    sourcemap: production ? false : "linked",
    sourcesContent: false,
    legalComments: "none", // THIRD_PARTY.md carries the licences
    metafile: true,
    logLevel: "warning",
  };
  const node = {
    ...common,
    platform: "node",
    format: "cjs",
    target: "node20",
    mainFields: ["module", "main"],
    external,
    // The package's ES module finds its files by import.meta.url, which a CommonJS bundle does not have.
    alias: { "web-tree-sitter": packageFolder("web-tree-sitter/web-tree-sitter.cjs") },
  };
  return [
    { ...node, entryPoints: present(nodeEntries) },
    { ...node, entryPoints: present(commandEntries), banner: { js: "#!/usr/bin/env node" } },
    { ...common, entryPoints: present(viewEntries), platform: "browser", format: "iife", target: "es2022" },
  ].filter((build) => build.entryPoints.length > 0);
}

async function copyWasm() {
  await mkdir(join(root, "dist/wasm"), { recursive: true });
  await Promise.all(wasmFiles.map((file) => copyFile(packageFolder(file), join(root, "dist/wasm", basename(file)))));
}

/**
 * What every bundle is made of, without writing anything.
 * @returns {Promise<esbuild.Metafile[]>}
 */
export async function metafiles() {
  const results = await Promise.all(builds({ production: true }).map((build) => esbuild.build({ ...build, write: false })));
  return results.map((result) => result.metafile);
}

async function main(args) {
  const unknown = args.filter((arg) => arg !== "--watch" && arg !== "--production");
  if (unknown.length > 0) throw new Error(`Unknown option ${unknown.join(", ")}; known are --watch and --production.`);
  const started = performance.now();
  const production = args.includes("--production");
  const all = builds({ production });
  if (args.includes("--watch")) {
    await copyWasm();
    for (const build of all) {
      const context = await esbuild.context({ ...build, logLevel: "info" });
      await context.watch();
    }
    return;
  }
  if (production) await rm(join(root, "dist"), { recursive: true, force: true });
  const results = await Promise.all(all.map((build) => esbuild.build(build)));
  await copyWasm();
  const cli = join(root, "dist/cli.js");
  if (existsSync(cli)) await chmod(cli, 0o755);
  const outputs = results.flatMap((result) => Object.entries(result.metafile.outputs)).filter(([file]) => !file.endsWith(".map"));
  for (const [file, { bytes }] of outputs) console.log(`${relative(root, join(root, file)).padEnd(28)} ${(bytes / 1024).toFixed(0).padStart(6)} kB`);
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  await main(process.argv.slice(2)).catch((error) => {
    // esbuild has printed its own messages already
    if (error?.errors === undefined) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
