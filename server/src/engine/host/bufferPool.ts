/** @file Typed arrays of disposed tensors, kept for the next tensor of the same length: new large arrays cost more than the arithmetic. */

import type { Precision } from "../../protocol/spec";
import type { FloatArray } from "../engine";

/** Arrays shorter than this are cheaper to allocate than to keep. */
const smallest = 256;

export class BufferPool {
  readonly #free = new Map<number, FloatArray[]>();
  #bytes = 0;

  constructor(private readonly precision: Precision, private readonly maxBytes: number) {}

  /** An array with unspecified contents: the caller overwrites all of it. */
  take(length: number): FloatArray {
    const kept = this.#free.get(length)?.pop();
    if (kept !== undefined) {
      this.#bytes -= kept.byteLength;
      return kept;
    }
    return this.precision === "float64" ? new Float64Array(length) : new Float32Array(length);
  }

  give(buffer: FloatArray): void {
    if (buffer.length < smallest || buffer.byteLength > this.maxBytes) return;
    if (this.#bytes + buffer.byteLength > this.maxBytes) this.clear();
    const list = this.#free.get(buffer.length);
    if (list === undefined) this.#free.set(buffer.length, [buffer]);
    else list.push(buffer);
    this.#bytes += buffer.byteLength;
  }

  clear(): void {
    this.#free.clear();
    this.#bytes = 0;
  }
}
