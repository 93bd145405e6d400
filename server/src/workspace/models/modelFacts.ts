/** @file What hovers and bindings need of a model file. Runs in the model thread: a hostile file can stop only that. */

import { stat } from "node:fs/promises";
import { symmetricEigen } from "../../core/linalg/symmetricEigen";
import { matrix } from "../../core/linalg/matrix";
import { openModel } from "../../formats/openModel";
import type { TensorInfo, TensorValues } from "../../formats/modelFile";

export interface ModelFacts {
  path: string;
  format: string;
  tensors: readonly TensorInfo[];
  notes: readonly string[];
  bytes: number;
  /** Milliseconds since 1970. */
  modified: number;
}

const maxTensors = 20_000;

/** @throws FormatError when the file cannot be read as a model. */
export async function readModelFacts(path: string): Promise<ModelFacts> {
  const { size, mtimeMs } = await stat(path);
  const file = await openModel(path);
  try {
    return {
      path, format: file.format, notes: file.notes, bytes: size, modified: mtimeMs,
      tensors: file.tensors.slice(0, maxTensors).map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
    };
  } finally {
    await file.close();
  }
}

export interface RankFacts {
  /** exp of the entropy of the singular values' shares: how many directions the weight really uses (Roy & Vetterli 2007). */
  effective: number;
  /** min(rows, columns): the most that it could be. */
  most: number;
}

/** Above these sizes the rank is not worth the time: a 1024-row Gram takes about a second. */
const maxSide = 1024;
const maxElements = 8_000_000;

/**
 * Effective rank of a weight; convolution kernels are taken as [out, in * kernel]. null for tensors that are no matrix,
 * are too large, or hold something that is not finite.
 */
export async function readRank(path: string, name: string): Promise<RankFacts | null> {
  const file = await openModel(path);
  try {
    const info = file.tensors.find((tensor) => tensor.name === name);
    if (!info || !canHaveRank(info)) return null;
    const rows = info.shape[0] ?? 1;
    return effectiveRank(await file.read(name), rows, info.shape.slice(1).reduce((product, size) => product * size, 1));
  } finally {
    await file.close();
  }
}

/** Matrices and convolution kernels; stacked attention weights and biases of heads are no matrix. */
export function canHaveRank(info: TensorInfo): boolean {
  const last = info.name.slice(info.name.lastIndexOf(".") + 1);
  if (/^b(_|ias)/.test(last) || (info.shape.length > 2 && last !== "weight")) return false;
  const elements = info.shape.reduce((product, size) => product * size, 1);
  const rows = info.shape[0] ?? 0;
  return info.shape.length >= 2 && elements > 0 && elements <= maxElements && Math.min(rows, elements / rows) <= maxSide
    && /^(b?float)/.test(info.dtype);
}

/** @param values row-major [rows, columns] */
export function effectiveRank(values: TensorValues, rows: number, columns: number): RankFacts | null {
  const side = Math.min(rows, columns);
  const gram = new Float64Array(side * side);
  const [rowStep, columnStep, length] = rows <= columns ? [columns, 1, columns] : [1, columns, rows];
  for (let i = 0; i < side; i++) {
    for (let j = i; j < side; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += (values[i * rowStep + k * columnStep] ?? 0) * (values[j * rowStep + k * columnStep] ?? 0);
      gram[i * side + j] = gram[j * side + i] = sum;
    }
  }
  if (!gram.every(Number.isFinite)) return null;
  const singular = Array.from(symmetricEigen(matrix(side, side, gram)).values, (value) => Math.sqrt(Math.max(value, 0)));
  const total = singular.reduce((sum, value) => sum + value, 0);
  if (total === 0) return { effective: 0, most: side };
  const entropy = singular.reduce((sum, value) => (value > 0 ? sum - (value / total) * Math.log(value / total) : sum), 0);
  return { effective: Math.exp(entropy), most: side };
}
