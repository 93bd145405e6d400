/** @file From what the user named (a spec file, or a model alone) to a complete spec with absolute paths. */

import { open, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { AnalysisSpec } from "../../protocol/spec";
import { InputError } from "../errors";
import type { SpecSource } from "../worker/messages";
import { inferData } from "./inferData";
import { maxSpecLength, parseSpec } from "./parseSpec";

export interface LoadedSpec {
  spec: AnalysisSpec;
  /** Absolute path of the spec file; null when everything was inferred from the model. */
  file: string | null;
  /** Folder that the relative paths in the spec belong to. */
  folder: string;
  /** Absolute path of the model. */
  model: string;
  /** What was guessed, in sentences. */
  notes: string[];
}

/** Reads small files only. @throws SpecError or InputError. */
export async function loadSpec(source: SpecSource): Promise<LoadedSpec> {
  if (source.spec !== null) {
    const file = resolve(source.spec);
    const spec = parseSpec(await readSmall(file, "spec"), file);
    const folder = dirname(file);
    const model = resolve(folder, spec.model);
    await mustExist(model, `The model "${spec.model}" that ${file} names does not exist (looked for ${model}): check the path; it is relative to the spec file.`);
    return { spec, file, folder, model, notes: [] };
  }
  if (source.model === null) throw new InputError("Nothing to analyse: give a spec file or a model file.");
  const model = resolve(source.model);
  await mustExist(model, `The model ${model} does not exist: check the path.`);
  const { data, evaluation, notes } = await inferData(model);
  const spec: AnalysisSpec = { model: basename(model), data, ...(evaluation ? { evaluation } : {}) };
  return { spec, file: null, folder: dirname(model), model, notes };
}

async function readSmall(file: string, what: string): Promise<string> {
  let handle;
  try {
    handle = await open(file);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : `cannot be opened (${(error as Error).message})`;
    throw new InputError(`The ${what} ${file} ${reason}: check the path.`);
  }
  try {
    const { size } = await handle.stat();
    if (size > maxSpecLength) throw new InputError(`${file} has ${size} bytes, which is no ${what}: a spec is a small JSON file that names a model. Write one with "lib-lens inspect ${file}" at hand.`);
    return await handle.readFile("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EISDIR") throw new InputError(`${file} is a folder, not a ${what}: name the file in it.`);
    throw error;
  } finally {
    await handle.close();
  }
}

async function mustExist(path: string, message: string): Promise<void> {
  try {
    await stat(path);
  } catch {
    throw new InputError(message);
  }
}
