/**
 * @file The TensorFlow addon compiled against an installed TensorFlow: libraries and headers are those that `npm run engine:tensorflow` keeps,
 * of pip's wheel or of the npm registry's old build. And what the command says where a way to a TensorFlow is closed.
 */

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { tensorflowAddon } from "../../server/src/engine/tensorflow/binding";

// A compiler, and libraries of 800 MB read from the disk.
vi.setConfig({ testTimeout: 300_000 });

const root = resolve(import.meta.dirname, "../..");
const kept = process.env["LIB_LENS_TENSORFLOW"] ?? join(root, ".engine", "tensorflow");
const libraries = join(kept, "deps/lib");
const folder = mkdtempSync(join(tmpdir(), "lib-lens-wheel-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "3" };

function engineTensorflow(args: string[], env: NodeJS.ProcessEnv = {}): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["scripts/engine-tensorflow.mjs", ...args], { cwd: root, encoding: "utf8", timeout: 280_000, env: { ...process.env, ...env } });
}

/** The reason why nothing can be compiled here; null when it can. */
function obstacle(): string | null {
  if (spawnSync("g++", ["--version"]).status !== 0) return "there is no g++";
  const headers = [join(dirname(process.execPath), "../include/node"), "/usr/include/node"];
  return headers.some((one) => existsSync(join(one, "node_api.h"))) ? null : "there is no node_api.h";
}

/** A folder as a Python package of TensorFlow has it: both libraries and `include` beside each other. */
function packageFolder(): string {
  const wheel = join(folder, "site-packages", "tensorflow");
  mkdirSync(wheel, { recursive: true });
  symlinkSync(join(kept, "deps/include"), join(wheel, "include"));
  for (const name of readdirSync(libraries)) symlinkSync(join(libraries, name), join(wheel, name));
  writeFileSync(join(wheel, "__init__.py"), "raise SystemExit('it is found, never imported')\n");
  // The library answers to its own name at run time, whatever the file is called that it is linked by.
  if (existsSync(join(wheel, "libtensorflow.so.1"))) symlinkSync(join(libraries, "libtensorflow.so.1"), join(wheel, "libtensorflow_cc.so.1"));
  return wheel;
}

/** What the installed tfjs-node needs and TensorFlow before 2.4 has not. */
const newHeader = "tensorflow/core/platform/ctstring_internal.h";

/** Sources of the addon that fit the TensorFlow kept: old ones lie beside the old build. */
const fittingSources = existsSync(join(kept, "binding")) ? ["--binding", join(kept, "binding")] : [];

const noCompiler = obstacle();
const missing = noCompiler ?? (existsSync(join(kept, "deps/include")) ? null : "there is no .engine/tensorflow with headers: npm run engine:tensorflow");

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

  const answer = (addon: string): unknown => {
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", products, tensorflowAddon({ LIB_LENS_TENSORFLOW: addon }) ?? ""], { encoding: "utf8", env: environment });
    expect(stderr).toBe("");
    return JSON.parse(stdout);
  };

  it("compiles against Python's package, which is found but not imported, loads and multiplies", () => {
    const into = join(folder, "compiled");
    const hasPython = spawnSync("python3", ["--version"]).status === 0;
    const { status, stdout, stderr } = engineTensorflow(["--wheel", ...(hasPython ? [] : [wheel]), ...fittingSources, "--into", into], { PYTHONPATH: dirname(wheel) });
    expect(status, stderr).toBe(0);
    const { version } = answer(kept) as { version: string };
    expect(answer(into)).toEqual({ version, product: [321, 654] });
    expect(stdout).toBe(`engine:tensorflow: TensorFlow ${version} from ${wheel}: the addon loads.\n`);
    expect(readFileSync(`${into}.log`, "utf8")).toBe(stdout.replace("engine:tensorflow: ", ""));
  });

  it.skipIf(!resolvable("@tensorflow/tfjs-node/package.json"))("says which headers a TensorFlow lacks that is too old for the installed tfjs-node, and leaves nothing behind", () => {
    // Laid out as the C library is.
    const old = join(folder, "old");
    cpSync(join(kept, "deps/include"), join(old, "include"), { recursive: true });
    rmSync(join(old, "include", newHeader), { force: true });
    symlinkSync(libraries, join(old, "lib"));
    const into = join(folder, "too-old", "engine");
    const { status, stderr } = engineTensorflow(["--wheel", old, "--into", into]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^engine:tensorflow: \S+ lacks include\/tensorflow\/core\/platform\/ctstring_internal\.h: give the folder of TensorFlow 2\.4 or later/);
    expect(readdirSync(dirname(into))).toEqual(["engine.log"]);
  });
});

it.skipIf(!resolvable("@tensorflow/tfjs-node/package.json"))("an empty folder is no TensorFlow: one sentence names all that is missing", () => {
  const empty = join(folder, "empty");
  mkdirSync(empty);
  const { status, stderr } = engineTensorflow(["--wheel", empty, "--into", join(folder, "none")]);
  expect(status).toBe(1);
  expect(stderr).toMatch(/lacks libtensorflow_cc\.so\.N or libtensorflow\.so\.N, libtensorflow_framework\.so\.N, include\/tensorflow\/c\/c_api\.h/);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

it.skipIf(!resolvable("@tensorflow/tfjs-node/package.json"))("where every way is closed it says why in a line for each, keeps what was there and leaves only its log", () => {
  const into = join(folder, "closed", "engine");
  mkdirSync(into, { recursive: true });
  const { status, stdout, stderr } = engineTensorflow(["--into", into], { PATH: folder });
  expect(status).toBe(1);
  expect(stdout.trim().split("\n")).toEqual([
    "engine:tensorflow: Not from an installed TensorFlow: python3 cannot be started: it is not installed.",
    "engine:tensorflow: Not from pip's TensorFlow: There is no C++ compiler: install g++ or clang++.",
    expect.stringMatching(/^engine:tensorflow: Not from the npm registry's TensorFlow: (npm cannot be started|The registry holds)/),
  ]);
  expect(stderr).toBe("engine:tensorflow: No TensorFlow can be had here; the other backends work without it.\n");
  expect(readdirSync(dirname(into)).sort()).toEqual(["engine", "engine.log"]);
  expect(readFileSync(`${into}.log`, "utf8")).toBe(`${stdout}${stderr}`.replaceAll("engine:tensorflow: ", ""));
});

/** A wheel as pip takes it, but without a library; an entry of it wants to get out of the folder. */
const emptyWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/tensorflow_cpu-9.9.9-py3-none-any.whl", "w") as wheel:
    info = "tensorflow_cpu-9.9.9.dist-info/"
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tensorflow-cpu\\nVersion: 9.9.9\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", "")
    wheel.writestr("tensorflow/__init__.py", "raise SystemExit(1)")
    wheel.writestr("tensorflow/include/tensorflow/../../../../../../../escaped.h", "")
    wheel.writestr("tensorflow/include/tensorflow/c/c_api.h", "")
`;

const noPip = noCompiler ?? (spawnSync("python3", ["-m", "pip", "--version"]).status === 0 ? null : "there is no pip");

it.skipIf(noPip !== null)(`${noPip === null ? "" : `(skipped: ${noPip}) `}takes the wheel that pip gives, never runs it, and says what it lacks`, () => {
  const wheels = join(folder, "wheels");
  mkdirSync(wheels);
  expect(spawnSync("python3", ["-c", emptyWheel, wheels]).status).toBe(0);
  const into = join(folder, "pip", "engine");
  // Pip sees this folder alone, whatever it is configured to use.
  const pip = { PIP_CONFIG_FILE: "/dev/null", PIP_NO_INDEX: "1", PIP_FIND_LINKS: wheels };
  const taken = engineTensorflow(["--pip", "--into", into], pip);
  expect(taken.status).toBe(1);
  expect(taken.stderr).toMatch(/^engine:tensorflow: \S+ lacks libtensorflow_cc\.so\.N or libtensorflow\.so\.N, libtensorflow_framework\.so\.N, include\/tensorflow\//);
  const none = engineTensorflow(["--pip", "--into", into], { ...pip, PIP_FIND_LINKS: folder });
  expect(none.stderr).toBe("engine:tensorflow: python3 failed: ERROR: No matching distribution found for tensorflow-cpu\n");
  expect(readdirSync(dirname(into))).toEqual(["engine.log"]);
  expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith("escaped.h"))).toEqual([]);
});

it("refuses two ways at once", () => {
  expect(engineTensorflow(["--pip", "--registry"]).stderr).toBe("engine:tensorflow: --pip and --registry exclude each other: give one of them, or none to try each in turn.\n");
});

function resolvable(file: string): boolean {
  try {
    createRequire(import.meta.url).resolve(file);
    return true;
  } catch {
    return false;
  }
}
