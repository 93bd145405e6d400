/** @file Data sets made of named arrays: one .npy file per array, or an .npz or safetensors file with several. */

import type { DataSpec } from "../../protocol/spec";
import type { Inputs } from "../dataSet";
import { FormatError, type ModelFile, type TensorInfo } from "../modelFile";
import { openModel } from "../openModel";
import { isIntegerType } from "../tensors/elements";
import { inputsPath, labelsPath, namedFiles, sampleCount, type DataKindReader, type RawDataSet } from "./dataKind";
import { nextTokens, tokenInputs } from "./tokens";
import { classLabels, scaledVectors } from "./vectors";

/** How arrays are called by those who save them; "x_train" and "x_test" of Keras' files come first when the split asks for them. */
const usualInputs = ["inputs", "x", "X", "images", "data", "features"];
const usualLabels = ["labels", "y", "Y", "targets", "target"];

/**
 * Fields: inputs (file), inputsName, labels (another file; the same one when absent), labelsName ("" for none). Without names the usual ones are
 * looked for. An integer array [count, positions] of 16 bits or more is token ids (unless `tokens` says otherwise or a scale, mean or std is
 * given); everything else is flattened to vectors, bytes divided by 255. Labels of tokens are one per sample or, with the shape of the
 * inputs, one per position; `nextToken` makes them from the inputs.
 */
export const arrays: DataKindReader = {
  files: namedFiles,
  async read(spec, baseFolder) {
    const path = inputsPath(spec, baseFolder);
    const labelFile = labelsPath(spec, baseFolder);
    return withModel(path, spec, async (file) => {
      const readLabels = async (source: ModelFile, sameFile: boolean): Promise<RawDataSet> => assemble(spec, path, file, labelFile ?? path, source, sameFile);
      return labelFile === null || labelFile === path ? readLabels(file, true) : withModel(labelFile, spec, (source) => readLabels(source, false));
    });
  },
};

async function withModel<T>(path: string, spec: DataSpec, use: (file: ModelFile) => Promise<T>): Promise<T> {
  const file = await openModel(path);
  try {
    if (file.format !== spec.kind) throw new FormatError(`${path} is a ${file.format} file, but the data are of kind "${spec.kind}"; correct one of them.`);
    return await use(file);
  } finally {
    await file.close();
  }
}

async function assemble(spec: DataSpec, path: string, file: ModelFile, labelPath: string, labelSource: ModelFile, sameFile: boolean): Promise<RawDataSet> {
  const info = inputArray(file, spec, path);
  const samples = info.shape[0]!;
  const count = sampleCount(spec, samples);
  const inputs = await readInputs(file, info, count, spec, path);
  const description = `${count} samples of ${info.shape.slice(1).join(" x ")} from "${info.name}" in ${path}`;
  const split = splitNames("x", spec).includes(info.name) && spec.inputsName === undefined ? { split: spec.split ?? "train" } : {};
  if (spec.nextToken === true) {
    if (spec.labels !== undefined || spec.labelsName) throw new FormatError("The data have both labels and \"nextToken\": remove one of them.");
    return { ...nextTokens(inputs, path), description, ...split };
  }
  const labelInfo = labelArray(labelSource, spec, labelPath, sameFile, info.name);
  const labels = labelInfo === null ? null : await readLabels(labelSource, labelInfo, inputs, samples, labelPath);
  return { inputs, labels, description, ...split };
}

function inputArray(file: ModelFile, spec: DataSpec, path: string): TensorInfo {
  const info = find(file, spec.inputsName, splitNames("x", spec), usualInputs, path, "inputsName")
    ?? only(file.tensors.filter((t) => t.shape.length >= 2)) ?? only(file.tensors);
  if (info === null) throw new FormatError(`${path} holds the arrays ${listNames(file)}; say which are the inputs with "inputsName".`);
  if (info.shape.length === 0) throw new FormatError(`Array "${info.name}" of ${path} is a single number; inputs have one row per sample.`);
  return info;
}

function labelArray(file: ModelFile, spec: DataSpec, path: string, sameFile: boolean, inputsName: string): TensorInfo | null {
  if (spec.labelsName === "") return null;
  const named = find(file, spec.labelsName, splitNames("y", spec), usualLabels, path, "labelsName");
  // A guessed name may be that of the inputs.
  if (sameFile) return spec.labelsName === undefined && named?.name === inputsName ? null : named;
  if (named !== null) return named;
  const single = only(file.tensors);
  if (single === null) throw new FormatError(`${path} holds the arrays ${listNames(file)}; say which are the labels with "labelsName".`);
  return single;
}

/** The array that the spec names, else the first that is called as usual, else null. */
function find(
  file: ModelFile, name: string | undefined, splitSpecific: readonly string[], usual: readonly string[], path: string, field: string,
): TensorInfo | null {
  if (name !== undefined) {
    const named = file.tensors.find((t) => t.name === name);
    if (named === undefined) throw new FormatError(`${path} holds no array "${name}" (field "${field}"), but ${listNames(file)}.`);
    return named;
  }
  // A single .npy array is named after its file, which says nothing.
  if (file.format === "npy") return null;
  for (const candidate of [...splitSpecific, ...usual]) {
    const found = file.tensors.find((t) => t.name === candidate);
    if (found !== undefined) return found;
  }
  return null;
}

function splitNames(letter: "x" | "y", spec: DataSpec): string[] {
  return spec.split === "test" ? [`${letter}_test`] : [`${letter}_train`];
}

async function readInputs(file: ModelFile, info: TensorInfo, count: number, spec: DataSpec, path: string): Promise<Inputs> {
  const where = `${path}: array "${info.name}"`;
  if (info.dtype.startsWith("complex")) throw new FormatError(`${where} is complex; inputs are real numbers or token ids.`);
  const values = await file.read(info.name);
  const width = info.shape.slice(1).reduce((a, b) => a * b, 1);
  const rescaled = spec.scale !== undefined || spec.mean !== undefined || spec.std !== undefined;
  if (spec.tokens === true && rescaled) throw new FormatError("The data are \"tokens\" with a \"scale\", \"mean\" or \"std\": token ids are not rescaled, remove one of them.");
  const wide = isIntegerType(info.dtype) && !info.dtype.endsWith("int8");
  if (spec.tokens ?? (wide && info.shape.length === 2 && !rescaled)) {
    if (info.shape.length !== 2) throw new FormatError(`${where} has the shape [${info.shape.join(", ")}]; token ids have the shape [samples, positions].`);
    return tokenInputs(values, count, width, where);
  }
  return scaledVectors(values, count, width, info.dtype === "uint8", spec, where);
}

async function readLabels(file: ModelFile, info: TensorInfo, inputs: Inputs, samples: number, path: string): Promise<Int32Array> {
  const where = `${path}: array "${info.name}"`;
  const width = info.shape.slice(1).reduce((a, b) => a * b, 1);
  const perPosition = inputs.kind === "tokens" && info.shape.length === 2 && width === inputs.positions;
  if (info.shape.length === 0 || (width !== 1 && !perPosition)) {
    throw new FormatError(`${where} has the shape [${info.shape.join(", ")}]; labels are one class number per sample${inputs.kind === "tokens" ? " or per position" : ""}.`);
  }
  return classLabels(await file.read(info.name), info.shape[0]! * width, inputs.count * width, samples * width, where);
}

const only = (infos: readonly TensorInfo[]): TensorInfo | null => (infos.length === 1 ? infos[0]! : null);

const listNames = (file: ModelFile): string => {
  const names = file.tensors.slice(0, 12).map((t) => `"${t.name}"`).join(", ");
  return file.tensors.length > 12 ? `${names}, ...` : names;
};
