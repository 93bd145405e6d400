/**
 * @file Gives the `tensorflow` backend its native half without the download of @tensorflow/tfjs-node's own install step.
 *
 *   npm run engine:tensorflow                     an installed TensorFlow Python package if there is one, else the npm registry
 *   npm run engine:tensorflow -- --wheel DIR      compile the addon against the TensorFlow in DIR: ".../site-packages/tensorflow", or the
 *                                                 unpacked C library with its `lib` and `include`
 *   npm run engine:tensorflow -- --registry       a prebuilt addon and library from the npm registry (linux x64)
 *
 * `--into FOLDER` puts the result there instead of `.engine/tensorflow` in the project's root, where the engine looks; it looks in FOLDER
 * when LIB_LENS_TENSORFLOW names it. `--binding FOLDER` compiles other sources of the addon than those of the installed
 * @tensorflow/tfjs-node, which need TensorFlow 2.4.
 */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createBrotliDecompress } from "node:zlib";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));

/** A build of tfjs-node 2.7 with its TensorFlow library inside the package: old, but native, and enough for the engine's operations. */
const registryPackage = {
  name: "tfjs-node-lambda-releases@1.6.1",
  archive: "package/nodejs12.x-tf2.7.0.br",
  sha512: "D275PZpxsKenTuiPnvIE5T+D5JrT4aU9M3EDCedBQKlP0hUB7011Yzg8CAJ6MBIog9Lq90aaEair4yrBBlk61w==",
};

function run(command, commandArguments, options = {}) {
  return execFileSync(command, commandArguments, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], ...options });
}

/**
 * The JavaScript half of the backend. `npm ci` drops the optional package where its install step cannot download the library, so it
 * is put back without that step.
 */
function ensureTfjsNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  try {
    require.resolve("@tensorflow/tfjs-node/package.json");
  } catch {
    run("npm", ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", `@tensorflow/tfjs-node@${optionalDependencies["@tensorflow/tfjs-node"]}`], { cwd: root });
  }
}

/** Sources of the addon in the installed package. */
const installedBinding = () => join(dirname(require.resolve("@tensorflow/tfjs-node/package.json")), "binding");

/** Folder of an installed TensorFlow Python package, found without importing it (an import takes seconds). */
function findWheel() {
  const query = "import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0] if s else '')";
  try {
    return run("python3", ["-c", query], { stdio: ["ignore", "pipe", "ignore"] }).trim() || null;
  } catch {
    return null;
  }
}

function nodeHeaders() {
  const candidates = [
    process.env.npm_config_nodedir && join(process.env.npm_config_nodedir, "include", "node"),
    join(dirname(process.execPath), "..", "include", "node"),
    "/usr/include/node",
  ];
  const found = candidates.find((folder) => folder && existsSync(join(folder, "node_api.h")));
  if (!found) throw new Error("No node_api.h found. Set npm_config_nodedir to a folder that holds include/node/node_api.h.");
  return found;
}

/**
 * The two libraries in a folder of TensorFlow: the Python package's ("libtensorflow_cc.so.2" beside "include") or the C library's
 * ("lib/libtensorflow.so.2", "include").
 * @param {string[]} headers that must be there, too
 */
function tensorflowLibraries(folder, headers) {
  const named = (pattern) => [folder, join(folder, "lib")].filter((one) => existsSync(one))
    .flatMap((one) => readdirSync(one).filter((name) => pattern.test(name)).map((name) => ({ folder: one, name })));
  const [library] = [/^libtensorflow_cc\.so\.\d+$/, /^libtensorflow\.so\.\d+$/].flatMap(named);
  const [framework] = named(/^libtensorflow_framework\.so\.\d+$/);
  const missing = [
    ...(library ? [] : ["libtensorflow_cc.so.N or libtensorflow.so.N"]),
    ...(framework ? [] : ["libtensorflow_framework.so.N"]),
    ...headers.filter((header) => !existsSync(join(folder, "include", header))).map((header) => `include/${header}`),
  ];
  if (missing.length > 0) {
    throw new Error(`${folder} lacks ${missing.join(", ")}: give the folder of TensorFlow 2.4 or later, such as ".../site-packages/tensorflow".`);
  }
  return [library, framework];
}

/** Compiles the addon of @tensorflow/tfjs-node against the libraries and headers of an installed TensorFlow. */
function buildAgainst(folder, binding, into) {
  const sources = readdirSync(binding).filter((name) => name.endsWith(".cc")).map((name) => join(binding, name));
  const texts = readdirSync(binding).map((name) => readFileSync(join(binding, name), "utf8"));
  const headers = new Set(texts.flatMap((text) => Array.from(text.matchAll(/^#include "(tensorflow\/[^"]+)"/gm), ([, header]) => header)));
  const libraries = tensorflowLibraries(folder, [...headers]);
  const above = dirname(binding);
  run("g++", [
    "-O2", "-std=c++17", "-fPIC", "-shared", "-DNAPI_VERSION=8",
    "-I", nodeHeaders(), "-I", join(folder, "include"), "-I", above, "-I", dirname(above), ...sources,
    ...libraries.flatMap((one) => ["-L", one.folder, `-l:${one.name}`, `-Wl,-rpath,${one.folder}`]),
    "-o", join(into, "tfjs_binding.node"),
  ]);
}

/** Takes addon and library out of a package of the npm registry; npm's checksum is checked again against the pinned one. */
async function takeFromRegistry(into) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error("The registry holds a prebuilt addon for linux x64 only. Install TensorFlow for Python and use --wheel.");
  }
  const work = mkdtempSync(join(tmpdir(), "lib-lens-tensorflow-"));
  try {
    run("npm", ["pack", registryPackage.name, "--silent", "--pack-destination", work]);
    const tarball = join(work, readdirSync(work).find((name) => name.endsWith(".tgz")));
    const digest = createHash("sha512").update(readFileSync(tarball)).digest("base64");
    if (digest !== registryPackage.sha512) throw new Error(`${registryPackage.name} has an unexpected checksum; nothing was installed.`);
    run("tar", ["-xzf", tarball, "-C", work, registryPackage.archive]);
    const archive = join(work, "tensorflow.tar");
    await pipeline(createReadStream(join(work, registryPackage.archive)), createBrotliDecompress(), createWriteStream(archive));
    const inside = "node_modules/@tensorflow/tfjs-node";
    const addon = "lib/napi-v6/tfjs_binding.node";
    run("tar", ["-xf", archive, "-C", into, "--strip-components=3", `${inside}/${addon}`,
      ...["tensorflow", "tensorflow_framework"].flatMap((name) => [".so.1", ".so.1.15.0"].map((end) => `${inside}/deps/lib/lib${name}${end}`)),
      `${inside}/deps/include`, `${inside}/binding`, `${inside}/deps/LICENSE`, `${inside}/deps/THIRD_PARTY_TF_C_LICENSES`]);
    // The addon looks for its libraries at ../../deps/lib, as in the package, so the layout stays and a stub names it.
    writeFileSync(join(into, "index.cjs"), `module.exports = require("./${addon}");\n`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const { values } = parseArgs({ options: { wheel: { type: "string" }, registry: { type: "boolean", default: false }, into: { type: "string" }, binding: { type: "string" } } });
const target = resolve(values.into ?? join(root, ".engine", "tensorflow"));
try {
  ensureTfjsNode();
  mkdirSync(dirname(target), { recursive: true });
  const fresh = mkdtempSync(join(dirname(target), "new-"));
  const wheel = values.registry ? null : (values.wheel ?? findWheel());
  try {
    if (wheel) {
      buildAgainst(resolve(wheel), resolve(values.binding ?? installedBinding()), fresh);
      writeFileSync(join(fresh, "index.cjs"), `module.exports = require("./tfjs_binding.node");\n`);
    } else {
      await takeFromRegistry(fresh);
    }
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  run(process.execPath, ["-e", "require(process.argv[1])", join(target, "index.cjs")]);
  console.log(`TensorFlow addon installed from ${wheel ? wheel : "the npm registry"}; it loads.`);
} catch (error) {
  console.error(`engine:tensorflow: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
