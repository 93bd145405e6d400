/** @file Computed labels of a stored result go where `lib-lens labels` keeps them: beside the result, and those of LIB features into the text file beside its spec. */

import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FoundLabels, LabelledLayer } from "../../protocol/labels";
import { loadSpec } from "../spec/loadSpec";
import { addFound } from "./foundLabels";
import { labelsPath, merged, readLabels, writeLabels, type LabelRow } from "./labelsFile";
import { rememberedHashes } from "./lookUp";
import { resultKey } from "./resultKey";

/** What is needed of a result to find its labels file. */
interface ResultSource { readonly key: string; readonly model: { readonly path: string } }

/** @returns the text file; null for labels of another basis, which are for comparison. @throws as `keepLabels` */
export async function keepFound(result: string, source: ResultSource, found: FoundLabels): Promise<string | null> {
  await addFound(result, source.key, found);
  if (found.basis !== "lib") return null;
  const file = await labelsFileOf(result, source);
  await keepLabels(file, source.key, found.labels.layers);
  return file;
}

/**
 * Writes computed labels beside what people wrote into the same file, which stays as it is.
 * @param key of the result @returns the rows of the file as it is now
 * @throws InputError that names the line of a file that is no labels file; whatever writing throws.
 */
export async function keepLabels(file: string, key: string, computed: readonly Pick<LabelledLayer, "name" | "labels">[]): Promise<LabelRow[]> {
  const rows = merged(await readLabels(file), key, computed);
  await writeLabels(file, rows);
  return rows;
}

/**
 * The labels file of a stored result: that of the spec beside the store whose analysis it is, else that of its model. A store of another
 * name than the usual one is a folder that the user chose: the file lies in it.
 */
export async function labelsFileOf(result: string, { key, model }: ResultSource): Promise<string> {
  const store = dirname(result);
  const folder = basename(store) === ".lib-lens" ? dirname(store) : store;
  const hash = rememberedHashes(store);
  for (const name of (await readdir(folder)).filter((one) => one.endsWith(".lib.json")).sort()) {
    const spec = join(folder, name);
    // A spec that cannot be read, or whose files have changed, is that of another result.
    const found = await loadSpec({ spec, model: null }).then((loaded) => resultKey(loaded, hash)).catch(() => null);
    if (found?.key === key) return labelsPath(spec);
  }
  return join(folder, basename(labelsPath(model.path)));
}
