/** @file Data for a model that comes without a spec: from its sidecar config, or from well-known files beside it. */

import { readdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { DataSpec, EvaluationSpec } from "../../protocol/spec";
import { weightsFile } from "../../formats/openModel";
import { readSidecar, type Sidecar } from "../architecture/sidecar";
import { InputError } from "../errors";
import { inferText } from "./inferText";

export interface InferredData {
  data: DataSpec;
  evaluation: EvaluationSpec | null;
  notes: string[];
}

/** Folders, relative to the model's, in which a data set is looked for. */
const dataFolders = [".", "data", "../data", "MNIST/raw", "data/MNIST/raw", "../data/MNIST/raw"];

/** @throws InputError that says how to write a spec. */
export async function inferData(model: string): Promise<InferredData> {
  const sidecar = await readSidecar(await weightsFile(model));
  const found = (sidecar && modularAddition(sidecar)) ?? (await besideModel(dirname(model))) ?? (await textBeside(model));
  if (found) return found;
  throw new InputError(
    `No data set is known for ${model}: write a spec file such as "${specNameHint(model)}" with {"model": ..., "data": {"kind": ...}}, `
    + "or use the command LIB: Create Analysis Spec.",
  );
}

/** Modular addition as the method's authors describe it in their training configs (method section 1.7). */
function modularAddition(sidecar: Sidecar): InferredData | null {
  const kind = sidecar.text("dataset.dataset_type", "dataset.name", "data.dataset_type", "data.name", "data.kind");
  const modulus = sidecar.number("dataset.modulus", "data.modulus");
  if (modulus === null || kind === null || !/modular[_-](arithmetic|addition)/.test(kind)) return null;
  const fracTrain = sidecar.number("dataset.frac_train", "data.frac_train", "data.fracTrain") ?? 1;
  const seed = sidecar.number("dataset.seed", "data.seed") ?? 0;
  const data = { kind: "modular-addition", modulus, fracTrain, seed } as const;
  return {
    data: { ...data, split: "train" },
    evaluation: fracTrain < 1 ? { data: { ...data, split: "test" }, metric: "accuracy" } : null,
    notes: [`Data inferred from ${sidecar.name}: addition modulo ${modulus}, ${Math.round(fracTrain * 100)} % for training, seed ${seed}.`],
  };
}

async function besideModel(folder: string): Promise<InferredData | null> {
  for (const place of dataFolders) {
    const names = await readdir(join(folder, place)).catch(() => [] as string[]);
    const path = (name: string): string => relative(folder, join(folder, place, name));
    const images = names.find((name) => /^train.*-images[-.]idx3-ubyte(\.gz)?$/.test(name));
    const labels = images && names.find((name) => name === images.replace("images", "labels").replace("idx3", "idx1"));
    if (images && labels) {
      const data: DataSpec = { kind: "idx", inputs: path(images), labels: path(labels) };
      return { data, evaluation: null, notes: [`Data inferred: ${path(images)} with ${path(labels)}.`] };
    }
    const archives = names.filter((name) => /^(data|dataset|train|inputs)\.npz$/.test(name));
    if (archives.length === 1) return { data: { kind: "npz", inputs: path(archives[0]!) }, evaluation: null, notes: [`Data inferred: ${path(archives[0]!)}.`] };
  }
  return null;
}

async function textBeside(model: string): Promise<InferredData | null> {
  const text = await inferText(dirname(await weightsFile(model)), dirname(model));
  if (text === null) return null;
  return {
    data: text,
    evaluation: { metric: "ce-loss" },
    notes: [`Data inferred: the first ${text.limit} samples of ${text.contextLength} tokens of ${text.inputs}, by ${text.tokenizer}.`],
  };
}

function specNameHint(model: string): string {
  return model.replace(/\.[^./\\]+$/, "") + ".lib.json";
}
