/** @file The TensorFlow addon compiled against an installed TensorFlow; the libraries are those that `npm run engine:tensorflow -- --registry` keeps. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const kept = join(root, ".engine", "tensorflow");
const folder = mkdtempSync(join(tmpdir(), "lib-lens-wheel-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function engineTensorflow(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, ["scripts/engine-tensorflow.mjs", ...args], { cwd: root, encoding: "utf8", timeout: 110_000 });
}

/** The reason why nothing can be compiled here; null when it can. */
function obstacle(): string | null {
  if (!existsSync(join(kept, "deps/include"))) return "there is no .engine/tensorflow with headers: npm run engine:tensorflow -- --registry";
  if (spawnSync("g++", ["--version"]).status !== 0) return "there is no g++";
  const headers = [join(dirname(process.execPath), "../include/node"), "/usr/include/node"];
  return headers.some((one) => existsSync(join(one, "node_api.h"))) ? null : "there is no node_api.h";
}

/** A folder as a Python package of TensorFlow has it: both libraries and `include` beside each other. */
function packageFolder(): string {
  const wheel = join(folder, "site-packages", "tensorflow");
  mkdirSync(wheel, { recursive: true });
  const libraries = join(kept, "deps/lib");
  symlinkSync(join(kept, "deps/include"), join(wheel, "include"));
  for (const name of ["libtensorflow.so.1", "libtensorflow_framework.so.1"]) symlinkSync(join(libraries, name), join(wheel, name));
  // The library answers to its own name at run time, whatever the file is called that it is linked by.
  symlinkSync(join(libraries, "libtensorflow.so.1"), join(wheel, "libtensorflow_cc.so.1"));
  return wheel;
}

const missing = obstacle();

describe.skipIf(missing !== null)(`the addon of tfjs-node against an installed TensorFlow${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  const wheel = missing === null ? packageFolder() : "";
  const products = `
    const binding = require(process.argv[1]);
    const tensor = (shape, values) => binding.createTensor(shape, binding.TF_FLOAT, values);
    const attributes = [["transpose_a", false], ["transpose_b", false]].map(([name, value]) => ({ name, type: binding.TF_ATTR_BOOL, value }));
    const [out] = binding.executeOp("MatMul", [...attributes, { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }],
      [tensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)), tensor([3, 1], Float32Array.of(1, 10, 100))], 1);
    console.log(JSON.stringify({ version: binding.TF_Version, product: Array.from(binding.tensorDataSync(out.id)) }));
  `;

  it.each([
    ["a Python package's folder", (): string => wheel],
    ["the C library's folder", (): string => join(kept, "deps")],
  ])("compiles against %s, loads and multiplies", (name, of) => {
    const into = join(folder, name.replaceAll(/\W+/g, "-"));
    const { status, stderr } = engineTensorflow("--wheel", of(), "--binding", join(kept, "binding"), "--into", into);
    expect(status, stderr).toBe(0);
    const answer = spawnSync(process.execPath, ["-e", products, join(into, "index.cjs")], { encoding: "utf8", env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" } });
    expect(JSON.parse(answer.stdout)).toEqual({ version: "1.15.0", product: [321, 654] });
  });

  it.skipIf(!resolvable("@tensorflow/tfjs-node/package.json"))("says which headers a TensorFlow lacks that is too old for the installed tfjs-node, and leaves nothing behind", () => {
    const into = join(folder, "too-old");
    const { status, stderr } = engineTensorflow("--wheel", wheel, "--into", into);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^engine:tensorflow: \S+ lacks include\/tensorflow\/core\/platform\/ctstring_internal\.h: give the folder of TensorFlow 2\.4 or later/);
    expect(existsSync(into)).toBe(false);
  });
});

it.skipIf(!resolvable("@tensorflow/tfjs-node/package.json"))("an empty folder is no TensorFlow: one sentence names all that is missing", () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const { status, stderr } = engineTensorflow("--wheel", empty, "--into", join(folder, "none"));
  expect(status).toBe(1);
  expect(stderr).toMatch(/lacks libtensorflow_cc\.so\.N or libtensorflow\.so\.N, libtensorflow_framework\.so\.N, include\/tensorflow\/c\/c_api\.h/);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

function resolvable(file: string): boolean {
  try {
    createRequire(import.meta.url).resolve(file);
    return true;
  } catch {
    return false;
  }
}
