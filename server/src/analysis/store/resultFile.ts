/** @file One `.libresult` file: safetensors with the metadata as one JSON string. Readable in Python in one line. */

import { rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FormatError, type ModelFile } from "../../formats/modelFile";
import { openSafetensors } from "../../formats/safetensors/openSafetensors";
import { writeSafetensors, type WritableTensor } from "../../formats/safetensors/writeSafetensors";
import type { Matrix } from "../../core/linalg/matrix";
import type { ResultMetadata } from "../../protocol/result";
import { rebased, withPaths } from "../spec/specPaths";
import { temporaryPrefix } from "./resultStore";
import { validateMetadata } from "./validateMetadata";

/** Name of the JSON text among the safetensors metadata. */
export const metadataField = "lib-lens";

/** Numbers of the largest tensor that is handed to a view: 8192 x 8192. */
const largestView = 1 << 26;

/** Reads the header only. @throws FormatError when the file is absent, not a result, or damaged. */
export async function readMetadata(file: string): Promise<ResultMetadata> {
  return withResult(file, (_opened, metadata) => Promise.resolve(metadata));
}

/** Opens a result, checks its metadata, and closes it after `use`. @throws FormatError */
export async function withResult<T>(file: string, use: (opened: ModelFile, metadata: ResultMetadata) => Promise<T>): Promise<T> {
  const opened = await openSafetensors(file);
  try {
    return await use(opened, metadataOf(opened, file));
  } finally {
    await opened.close();
  }
}

export interface ViewTensor { rows: number; cols: number; values: Float32Array }

/**
 * A tensor of one or two axes as float32, for drawing; null when the result has none of that name.
 * @throws FormatError for a damaged file or a tensor too large to draw.
 */
export async function readForView(file: string, tensor: string): Promise<ViewTensor | null> {
  return withResult(file, async (opened) => {
    const shape = shapeOf(opened, tensor);
    if (!shape) return null;
    const [rows, cols] = shape.length === 1 ? [1, shape[0]] : [shape[0], shape[1]];
    if (shape.length > 2 || rows * cols > largestView) throw new FormatError(`"${tensor}" in ${file} is too large to draw ([${shape.join(", ")}]).`);
    return { rows, cols, values: Float32Array.from(await opened.read(tensor)) };
  });
}

/** A tensor of two axes in float64; null when the result has none of that name. @throws FormatError when it is no matrix. */
export async function readMatrix(opened: ModelFile, tensor: string): Promise<Matrix | null> {
  const shape = shapeOf(opened, tensor);
  if (!shape) return null;
  if (shape.length !== 2) throw new FormatError(`"${tensor}" is no matrix but [${shape.join(", ")}]: the result is damaged. Delete it and analyse again.`);
  const values = await opened.read(tensor);
  return { rows: shape[0], cols: shape[1], data: values instanceof Float64Array ? values : Float64Array.from(values) };
}

/**
 * Writes under a name of this run and renames: the result appears complete or not at all.
 * @param metadata with absolute paths; they are stored relative to the folder of the result, and absolute again when it is read.
 */
export async function writeResult(
  file: string, run: string, tensors: Iterable<WritableTensor>, metadata: ResultMetadata, checkCancelled: () => void = () => undefined,
): Promise<void> {
  const temporary = join(dirname(file), `${temporaryPrefix(run)}result`);
  await writeSafetensors(temporary, tensors, { [metadataField]: JSON.stringify(movable(metadata, dirname(file))) });
  try {
    // After a cancel no result may appear.
    checkCancelled();
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function metadataOf(opened: ModelFile, file: string): ResultMetadata {
  const text = opened.metadata.get(metadataField);
  if (typeof text !== "string") throw new FormatError(`${file} is not a result of LIB Lens: it carries no "${metadataField}" metadata.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError(`${file} is damaged: its metadata is not JSON. Delete the file and analyse again.`);
  }
  return absolute(validateMetadata(value, file), dirname(file));
}

function movable(metadata: ResultMetadata, folder: string): ResultMetadata {
  const change = (path: string): string => rebased(path, "/", folder);
  return { ...metadata, model: { ...metadata.model, path: change(metadata.model.path) }, spec: withPaths(metadata.spec, change) };
}

function absolute(metadata: ResultMetadata, folder: string): ResultMetadata {
  const change = (path: string): string => resolve(folder, path);
  return { ...metadata, model: { ...metadata.model, path: change(metadata.model.path) }, spec: withPaths(metadata.spec, change) };
}

function shapeOf(opened: ModelFile, tensor: string): readonly number[] | null {
  return opened.tensors.find(({ name }) => name === tensor)?.shape ?? null;
}
