/** @file Tensor of the host engine: a shape over a typed array that several tensors (reshapes) may share. */

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

  constructor(readonly shape: readonly number[], storage: Storage) {
    this.size = sizeOf(shape);
    this.storage = storage;
  }

  /** @throws Error when the tensor was disposed. */
  get data(): FloatArray {
    if (this.storage === null) throw new Error(`A tensor of shape ${showShape(this.shape)} is used after it was disposed.`);
    return this.storage.data;
  }
}

/** The tensor as one of this engine's own. @throws TypeError for a tensor of another engine. */
export function host(tensor: Tensor): HostTensor {
  if (!(tensor instanceof HostTensor)) throw new TypeError("A tensor of another engine was given to the host engine.");
  return tensor;
}
