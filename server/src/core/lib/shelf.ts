/** @file Where what a run has finished stands until it is asked for again: in memory, or wherever the runner puts it. */

import { matrix, type Matrix } from "../linalg/matrix";

export interface Shelf {
  /** @returns a function that gives the same numbers back, as often as it is called; the array that was put may be forgotten */
  put<T extends Float64Array | Float32Array>(values: T): () => T;
}

export const inMemory: Shelf = { put: (values) => () => values };

export function shelved(shelf: Shelf, { rows, cols, data }: Matrix): () => Matrix {
  const kept = shelf.put(data);
  return () => matrix(rows, cols, kept());
}
