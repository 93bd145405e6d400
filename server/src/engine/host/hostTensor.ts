/** @file Tensor of the host engine: a shape over a typed array, or a part of one, that several tensors (reshapes, slices) may share. */

import type { FloatArray, Tensor } from "../engine";
import { showShape, sizeOf } from "../shapes";

export interface Storage {
  data: FloatArray;
  /** Number of live tensors over it. */
  users: number;
}

export class HostTensor implements Tensor {
  readonly size: number;
  /** null once disposed. */
  storage: Storage | null;

  /** @param part the entries of this tensor where they are not all of the storage's */
  constructor(readonly shape: readonly number[], storage: Storage, readonly part: FloatArray = storage.data) {
    this.size = sizeOf(shape);
    this.storage = storage;
  }

  /** @throws Error when the tensor was disposed. */
  get data(): FloatArray {
    if (this.storage === null) throw new Error(`A tensor of shape ${showShape(this.shape)} is used after it was disposed.`);
    return this.part;
  }
}

/** The tensor as one of this engine's own. @throws TypeError for a tensor of another engine. */
export function host(tensor: Tensor): HostTensor {
  if (!(tensor instanceof HostTensor)) throw new TypeError("A tensor of another engine was given to the host engine.");
  return tensor;
}
