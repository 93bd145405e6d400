/** @file Image sets that lie beside a model, suggested for a new spec. An analysis without a spec does not take them: nobody has said how they were normalised. */

import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import type { InferredData } from "./inferData";

/** Folders, relative to the model's, in which image sets are looked for. */
const places = [".", "data", "../data"];

const cifar = "cifar-10-batches-bin";
const imageName = /\.(png|jpe?g)$/i;

/** Folders that are looked into at one place. */
const mostFolders = 50;

/** The folder cifar-10-batches-bin, or one folder of class folders (of several the one named "train"), at the first place that has it; else null. */
export async function inferImages(folder: string): Promise<InferredData | null> {
  for (const place of places) {
    const at = join(folder, place);
    const path = (name: string): string => relative(folder, join(at, name));
    const names = (await foldersOf(at)).slice(0, mostFolders);
    if (names.includes(cifar)) {
      const data = { kind: "cifar10-binary", inputs: path(cifar) } as const;
      return suggestion({ ...data, split: "train" }, { ...data, split: "test" });
    }
    const sets: string[] = [];
    for (const name of names) if (await holdsClasses(join(at, name))) sets.push(name);
    const chosen = sets.length === 1 ? sets[0] : sets.find((name) => name === "train");
    if (chosen === undefined) continue;
    const held = chosen === "train" && sets.includes("test");
    return suggestion({ kind: "images", inputs: path(chosen) }, held ? { kind: "images", inputs: path("test") } : null);
  }
  return null;
}

function suggestion(data: DataSpec, evaluation: DataSpec | null): InferredData {
  return {
    data,
    evaluation: evaluation && { data: evaluation, metric: "accuracy" },
    notes: [`Images found in ${data.inputs}: where the training code normalises them, write the same "mean" and "std" here. Bytes are divided by 255 first.`],
  };
}

/** At least two folders, each with an image. */
async function holdsClasses(folder: string): Promise<boolean> {
  const [first, second] = await foldersOf(folder);
  return first !== undefined && second !== undefined && await holdsImage(join(folder, first)) && await holdsImage(join(folder, second));
}

const holdsImage = async (folder: string): Promise<boolean> => (await readdir(folder).catch(() => [])).some((name) => imageName.test(name));

/** Sorted, so that the answer does not depend on the file system. */
async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name).sort();
}
