/** @file Compiles the addon of @tensorflow/tfjs-node against the libraries and headers of a TensorFlow. */

import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { output } from "../shared/output.mjs";

const compilers = ["g++", "clang++"];

/**
 * What compiling needs besides TensorFlow: a C++ compiler and the headers of Node.
 * @returns {Promise<{ compiler: string, nodeHeaders: string }>}
 * @throws {Error} one sentence that says what is missing
 */
export async function buildTools() {
  for (const compiler of compilers) {
    const works = await output(compiler, ["--version"], { seconds: 20 }).then(() => true, () => false);
    if (works) return { compiler, nodeHeaders: findNodeHeaders() };
  }
  throw new Error(`There is no C++ compiler: install ${compilers.join(" or ")}.`);
}

function findNodeHeaders() {
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

/** Arguments that name the sources and where their headers are; paths of TensorFlow's headers are relative to its `include`. */
function sourcesAndHeaders(binding, nodeHeaders) {
  const sources = readdirSync(binding).filter((name) => name.endsWith(".cc")).map((name) => join(binding, name));
  const above = dirname(binding);
  return ["-std=c++17", "-DNAPI_VERSION=8", "-I", nodeHeaders, "-I", ".", "-I", above, "-I", dirname(above), ...sources];
}

/**
 * @param {string} folder TensorFlow: libraries and `include`
 * @param {string} binding sources of the addon
 * @param {string} addon file to write
 * @param {{ compiler: string, nodeHeaders: string }} tools
 * @param {{ libraries?: string }} [options] where the addon looks for the libraries when it is loaded; by default where they are now
 */
export async function compileAddon(folder, binding, addon, { compiler, nodeHeaders }, { libraries } = {}) {
  const texts = readdirSync(binding).map((name) => readFileSync(join(binding, name), "utf8"));
  const headers = new Set(texts.flatMap((text) => Array.from(text.matchAll(/^#include "(tensorflow\/[^"]+)"/gm), ([, header]) => header)));
  const linked = tensorflowLibraries(folder, [...headers]);
  await output(compiler, [
    "-O2", "-fPIC", "-shared", ...sourcesAndHeaders(binding, nodeHeaders),
    ...linked.flatMap((one) => ["-L", one.folder, `-l:${one.name}`, `-Wl,-rpath,${libraries ?? one.folder}`]),
    "-o", addon,
  ], { cwd: join(folder, "include"), seconds: 180 });
}

/** Removes the headers of TensorFlow that the addon does not include: a few of several thousand stay, enough to compile it again. */
export async function keepUsedHeaders(folder, binding, { compiler, nodeHeaders }) {
  const include = join(folder, "include");
  const rule = await output(compiler, ["-MM", ...sourcesAndHeaders(binding, nodeHeaders)], { cwd: include });
  const used = new Set(Array.from(rule.matchAll(/(?<=\s)(?:tensorflow|tsl|xla)\/\S+/g), ([header]) => header));
  const kept = join(folder, "used");
  for (const header of used) cpSync(join(include, header), join(kept, header));
  rmSync(include, { recursive: true });
  renameSync(kept, include);
}
