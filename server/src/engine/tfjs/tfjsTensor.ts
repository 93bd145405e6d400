/** @file Tensor of the tfjs engine: a handle on a tfjs tensor, which the engine owns. */

import type * as tf from "@tensorflow/tfjs-core";
import type { Tensor } from "../engine";
import { showShape } from "../shapes";

export class TfjsTensor implements Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  #tensor: tf.Tensor | null;

  constructor(tensor: tf.Tensor) {
    this.shape = tensor.shape;
    this.size = tensor.size;
    this.#tensor = tensor;
  }

  /** @throws Error when the tensor was disposed. */
  get tensor(): tf.Tensor {
    if (this.#tensor === null) throw new Error(`A tensor of shape ${showShape(this.shape)} is used after it was disposed.`);
    return this.#tensor;
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = null;
  }
}

/** The tfjs tensor behind the handle. @throws TypeError for a tensor of another engine. */
export function raw(tensor: Tensor): tf.Tensor {
  if (!(tensor instanceof TfjsTensor)) throw new TypeError("A tensor of another engine was given to the tfjs engine.");
  return tensor.tensor;
}
