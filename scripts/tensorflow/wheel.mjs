/** @file TensorFlow as Python has it: a package that is installed, or what the addon needs of the wheel that pip gives. */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { output } from "../shared/output.mjs";

const python = "python3";

/** The wheel without a build for graphics cards: 274 MB in version 2.21. */
const pipPackage = "tensorflow-cpu";
const downloadSeconds = 120;

/** Entries of the wheel: both libraries, the headers that the addon may reach, and the licences. */
const wanted = String.raw`^tensorflow/(libtensorflow(_cc|_framework)\.so\.\d+|include/((tensorflow|tsl|xla)/.*|LICENSE)|THIRD_PARTY_NOTICES\.txt|LICENSE)$`;
const unpackProgram = `
import re, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    wheel.extractall(sys.argv[2], [name for name in wheel.namelist() if re.search(sys.argv[3], name)])
`;

/**
 * Folder of the TensorFlow that is installed for Python, found without importing it (an import takes seconds).
 * @throws {Error} one sentence
 */
export async function installedTensorflow() {
  const query = "import importlib.util as u; s = u.find_spec('tensorflow'); print(s.submodule_search_locations[0] if s else '')";
  const folder = (await output(python, ["-c", query], { seconds: 20 })).trim();
  if (folder === "") throw new Error(`${python} has no package tensorflow.`);
  return folder;
}

/**
 * Fetches the wheel with pip and unpacks the entries needed: into/lib, into/include, licences.
 * @param {string} into folder to make
 * @param {string} work folder for what is removed again
 * @returns {Promise<string>} name of the wheel, as in "tensorflow_cpu-2.21.0"
 * @throws {Error} one sentence
 */
export async function unpackWheelOfPip(into, work) {
  if (process.platform !== "linux") throw new Error(`Wheels for ${process.platform} hold no library that the addon links to.`);
  const download = join(work, "download");
  const content = join(work, "content");
  mkdirSync(download, { recursive: true });
  await output(python, ["-m", "pip", "--version"], { seconds: 20 });
  await output(python, [
    "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check",
    "--timeout", "15", "--retries", "1", "--dest", download, pipPackage,
    // What pip leaves in its own temporary folder when it is stopped goes with ours.
  ], { seconds: downloadSeconds, env: { TMPDIR: work } });
  const wheel = readdirSync(download).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip gave no wheel.");
  await output(python, ["-c", unpackProgram, join(download, wheel), content, wanted]);
  rmSync(download, { recursive: true });
  arrange(join(content, "tensorflow"), into);
  return wheel.split("-").slice(0, 2).join("-");
}

/** As the C library has it, so that the result is a folder for `--wheel`, too. */
function arrange(content, into) {
  if (!existsSync(content)) throw new Error("The wheel that pip gave holds no TensorFlow library.");
  mkdirSync(join(into, "lib"), { recursive: true });
  const names = readdirSync(content);
  for (const name of names) renameSync(join(content, name), join(into, name.startsWith("lib") ? "lib" : "", name));
  const licence = join(into, "include", "LICENSE");
  if (existsSync(licence)) renameSync(licence, join(into, "LICENSE"));
}
