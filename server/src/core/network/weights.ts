/** @file Parameters of a network as they come from a file: plain host arrays by name. */

import { matrix, type Matrix } from "../linalg/matrix";
import { NetworkError } from "./networkError";

/** Row-major values of one parameter. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

export type Weights = ReadonlyMap<string, HostTensor>;

/** @throws NetworkError when the parameter is missing or has another shape (`null` in `shape` allows any size). */
export function parameter(weights: Weights, name: string, shape: readonly (number | null)[]): HostTensor {
  const found = weights.get(name);
  if (!found) throw new NetworkError(`The model has no parameter "${name}". Check the architecture in the spec.`);
  const fits = found.shape.length === shape.length && shape.every((size, axis) => size === null || size === found.shape[axis]);
  if (!fits) {
    const wanted = shape.map((size) => size ?? "any").join(", ");
    throw new NetworkError(`Parameter "${name}" has shape [${found.shape.join(", ")}], but [${wanted}] is needed. Check the architecture in the spec.`);
  }
  return found;
}

/** A parameter of two axes as a float64 matrix. */
export function toMatrix(tensor: HostTensor): Matrix {
  const [rows, cols] = tensor.shape as [number, number];
  return matrix(rows, cols, Float64Array.from(tensor.values));
}

/** Matrix `index` along the first axis of a parameter of three axes [n, rows, cols]. */
export function matrixAt(tensor: HostTensor, index: number): Matrix {
  const [, rows, cols] = tensor.shape as [number, number, number];
  const size = rows * cols;
  return matrix(rows, cols, Float64Array.from(tensor.values.subarray(index * size, (index + 1) * size)));
}
