/** @file Tensor of the host engine: a shape over a typed array, or a part of one, that several tensors (reshapes, slices) may share. */

import type { FloatArray, Tensor } from "../engine";
import { showShape, sizeOf } from "../shapes";
import type { ByteRows } from "./byteRows";

export interface Storage {
  readonly data: FloatArray;
  /** Whether the data is there already. */
  readonly isWritten: boolean;
  /** Number of live tensors over it. */
  users: number;
}

/** Rows of bytes whose numbers are written when they are first asked for. */
export class LateStorage implements Storage {
  users = 1;
  #data: FloatArray | null = null;

  /** @param write the numbers of the rows, a 1 behind each */
  constructor(readonly rows: ByteRows, private readonly write: (rows: ByteRows) => FloatArray) {}

  /** Only some of the rows, by themselves. @param start, length in numbers @returns null where they do not begin or end with a row */
  part(start: number, length: number): LateStorage | null {
    const { bytes, width, meaning } = this.rows;
    const [first, end] = [start / (width + 1), (start + length) / (width + 1)];
    if (!Number.isInteger(first) || !Number.isInteger(end)) return null;
    return new LateStorage({ bytes: bytes.subarray(first * width, end * width), width, meaning }, this.write);
  }

  get data(): FloatArray {
    return this.#data ??= this.write(this.rows);
  }

  get isWritten(): boolean {
    return this.#data !== null;
  }
}

export class HostTensor implements Tensor {
  readonly size: number;
  /** null once disposed. */
  storage: Storage | null;

  /** @param part the entries of this tensor; null for all of the storage's */
  constructor(readonly shape: readonly number[], storage: Storage, readonly part: FloatArray | null = null) {
    this.size = sizeOf(shape);
    this.storage = storage;
  }

  /** @throws Error when the tensor was disposed. */
  get held(): Storage {
    if (this.storage === null) throw new Error(`A tensor of shape ${showShape(this.shape)} is used after it was disposed.`);
    return this.storage;
  }

  /** Rows of bytes whose numbers are not written yet; null where the numbers are there. */
  get unwritten(): LateStorage | null {
    const { held } = this;
    return held instanceof LateStorage && !held.isWritten && this.part === null ? held : null;
  }

  /** @throws Error when the tensor was disposed. */
  get data(): FloatArray {
    const { held } = this;
    return this.part ?? held.data;
  }
}

/** The tensor as one of this engine's own. @throws TypeError for a tensor of another engine. */
export function host(tensor: Tensor): HostTensor {
  if (!(tensor instanceof HostTensor)) throw new TypeError("A tensor of another engine was given to the host engine.");
  return tensor;
}
