/** @file Finds and loads the native half of tfjs-node, wherever it was installed. */

import { existsSync, readdirSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { firstLine, notInstalled, packageFolder, packageVersion, requireFile } from "../nativePackages";

/** The functions of tfjs_binding.node that this project calls itself; tfjs-node's own backend calls more. */
export interface TensorflowBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_Version: string;
  createTensor(shape: number[], type: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array;
  executeOp(name: string, attributes: OpAttribute[], inputs: number[], outputs: number): TensorMetadata[];
}
export interface OpAttribute { name: string; type: number; value: unknown }
interface TensorMetadata { id: number; shape: number[]; dtype: number }

export interface LoadedBinding {
  binding: TensorflowBinding;
  /** JavaScript half: "@tensorflow/tfjs-node" or "@tensorflow/tfjs-node-gpu". */
  packageName: string;
}

const packages = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"];
const installCommand = "npm run engine:tensorflow";

/**
 * Loads the addon. Looked for at LIB_LENS_TENSORFLOW (a file or folder), then in `.engine/tensorflow` of this project or a folder
 * above, then in the packages themselves; the first that exists is taken.
 */
export function loadBinding(environment: NodeJS.ProcessEnv = process.env): LoadedBinding | { missing: string } {
  const installed = packages.find((name) => packageVersion(name) !== null);
  if (installed === undefined) return { missing: notInstalled("@tensorflow/tfjs-node") };
  const found = findAddon(environment);
  if (found !== null) return load(found.file, found.packageName ?? installed);
  const named = environment["LIB_LENS_TENSORFLOW"] ?? "";
  if (named !== "") return { missing: `LIB_LENS_TENSORFLOW names ${named}, where there is no tfjs_binding.node.` };
  return { missing: `The native half of ${installed} ${packageVersion(installed)} is missing: run \`npm rebuild ${installed}\`, or, where its download cannot be `
    + `reached, \`${installCommand}\` in this project's folder; elsewhere LIB_LENS_TENSORFLOW names the folder .engine/tensorflow that it fills.` };
}

/** File of the addon that would be loaded, null when there is none. */
export function tensorflowAddon(environment: NodeJS.ProcessEnv = process.env): string | null {
  return findAddon(environment)?.file ?? null;
}

/** `packageName` is null for an addon outside the packages, which any of them may use. */
function findAddon(environment: NodeJS.ProcessEnv): { file: string; packageName: string | null } | null {
  const named = environment["LIB_LENS_TENSORFLOW"] ?? "";
  const outside = named !== "" ? named : above(__dirname, join(".engine", "tensorflow"));
  const file = outside === null ? null : addonIn(outside);
  if (file !== null) return { file, packageName: null };
  if (named !== "") return null;
  for (const packageName of packages) {
    const folder = packageFolder(packageName);
    const own = folder === null ? null : newestAddon(join(folder, "lib"));
    if (own !== null) return { file: own, packageName };
  }
  return null;
}

export function describeBinding({ binding, packageName }: LoadedBinding): string {
  return `TensorFlow ${binding.TF_Version} through ${packageName.replace("@tensorflow/", "")}`;
}

/**
 * TensorFlow's remarks while it starts look like errors; what goes wrong is an exception or the end of the process. Call it before a thread
 * that may load it starts, too: that thread has a copy of the environment, which native code does not see.
 */
export function quietTensorflow(): void {
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
}

function load(file: string, packageName: string): LoadedBinding | { missing: string } {
  quietTensorflow();
  try {
    const binding = requireFile<TensorflowBinding>(file);
    if (process.platform === "linux") keepLibraries();
    return { binding, packageName };
  } catch (error) {
    return { missing: `The TensorFlow addon ${file} does not load: ${firstLine(error)}` };
  }
}

const libraries = ["libtensorflow_cc.so", "libtensorflow.so"].flatMap((name) => [1, 2, 3].map((version) => `${name}.${version}`));
/** Of dlopen, where Node does not name them: only what is loaded already (RTLD_NOLOAD), and never unload it (RTLD_NODELETE). */
const keep = 0x4 | 0x1000;

/**
 * Node closes an addon with the thread that loaded it, and its libraries would go, too. TensorFlow was not made for that: 2.21 leaves handlers
 * behind that crash the process at its end, and 1.15 ends it when the next thread loads it. So the libraries stay.
 */
function keepLibraries(): void {
  for (const name of libraries) {
    try {
      process.dlopen({ exports: {} }, name, constants.dlopen.RTLD_LAZY | keep);
    } catch {
      // Not loaded, or kept from now on: Node throws here, too, because it is no addon.
    }
  }
}

function addonIn(place: string): string | null {
  if (!existsSync(place)) return null;
  if (statSync(place).isFile()) return place;
  const file = join(place, "tfjs_binding.node");
  return existsSync(file) ? file : newestAddon(join(place, "lib"));
}

/** lib/napi-v<n>/tfjs_binding.node with the largest n that this Node knows. */
function newestAddon(lib: string): string | null {
  if (!existsSync(lib)) return null;
  const newest = Number(process.versions["napi"] ?? 0);
  const versions = readdirSync(lib).map((name) => Number(/^napi-v(\d+)$/.exec(name)?.[1] ?? NaN)).filter((n) => n <= newest).sort((p, q) => q - p);
  return versions.map((n) => join(lib, `napi-v${n}`, "tfjs_binding.node")).find((file) => existsSync(file)) ?? null;
}

/** `name` in `folder` or the nearest folder above that has it. */
function above(folder: string, name: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, name))) return join(at, name);
    if (dirname(at) === at) return null;
  }
}
