/**
 * @file `npm run package`: builds the extension as an installable .vsix.
 *
 *   npm run package                           for this machine's platform, with the native matrix products (onnxruntime-node)
 *   npm run package -- --target win32-x64     for another platform
 *   npm run package -- --universal            for every platform, WebAssembly only
 *
 * Option --out FILE names the result. Only onnxruntime-node goes into the package: its binaries for all platforms come with its npm
 * package. TensorFlow and WebGPU are far larger or depend on the machine; the engine finds them where the user installs them.
 */

import { cpSync, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { root, runNode } from "./shared/run.mjs";

const targets = ["linux-x64", "linux-arm64", "darwin-arm64", "win32-x64", "win32-arm64"];

/** Node looks for packages beside the bundles first, so the native package lies there inside the .vsix. */
const nativeFolder = join(root, "dist/node_modules");

/** Copies what onnxruntime-node needs at run time on one platform: without its install scripts and the other platforms' binaries. */
function copyNative(target) {
  const [platform, arch] = target.split("-");
  const parts = {
    "onnxruntime-node": ["package.json", "dist", `bin/napi-v6/${platform}/${arch}`],
    "onnxruntime-common": ["package.json", "dist/cjs"],
  };
  for (const [name, files] of Object.entries(parts)) {
    const source = join(root, "node_modules", name);
    if (!existsSync(source)) throw new Error(`${name} is not installed: run npm ci, or package with --universal.`);
    for (const file of files) {
      const from = join(source, file);
      if (!existsSync(from)) throw new Error(`${name} has no binaries for ${target}: package with --universal.`);
      const to = join(nativeFolder, name, file);
      mkdirSync(dirname(to), { recursive: true });
      cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith(".map") });
    }
  }
}

/**
 * Builds dist/ for production and packs it.
 * @param {{ target?: string, out: string }} options without `target` the package holds no native code
 * @returns {Promise<string>} path of the .vsix
 */
export async function packageExtension({ target, out }) {
  if (target !== undefined && !targets.includes(target)) throw new Error(`Unknown target ${target}; known are ${targets.join(", ")}.`);
  if (await runNode(["esbuild.mjs", "--production"]) !== 0) throw new Error("The build failed; its messages stand above.");
  try {
    if (target !== undefined) copyNative(target);
    const file = resolve(out);
    mkdirSync(dirname(file), { recursive: true });
    // --no-dependencies: everything else is inside the bundles
    const args = ["package", "--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", file];
    if (target !== undefined) args.push("--target", target);
    if (await runNode([join(root, "node_modules/@vscode/vsce/vsce"), ...args]) !== 0) throw new Error("vsce package failed; its messages stand above.");
    console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
    return file;
  } finally {
    rmSync(nativeFolder, { recursive: true, force: true });
  }
}

async function main() {
  const { values } = parseArgs({ options: { target: { type: "string" }, universal: { type: "boolean" }, out: { type: "string" } } });
  const target = values.universal ? undefined : values.target ?? `${process.platform}-${process.arch}`;
  await packageExtension({ ...(target === undefined ? {} : { target }), out: values.out ?? `lib-lens-${target ?? "universal"}.vsix` });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
