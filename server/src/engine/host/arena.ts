/**
 * @file One WebAssembly memory that holds the host engine's tensors, so that the compiled kernels work on them in place. The memory is
 * reserved once: the system gives it pages only when they are written, and a memory that grew would detach every array over it.
 */

import type { Precision } from "../../protocol/spec";
import type { FloatArray } from "../engine";

/** What WebAssembly can address. */
const mostPages = 65536;
/** Below this the engine is better off without an arena. */
const fewestPages = 1024;
/** Blocks start at multiples of a cache line. */
const alignment = 64;

interface Block { start: number; end: number }

export class Arena {
  readonly memory: WebAssembly.Memory;
  /** Sorted by address; neighbours never touch. */
  readonly #free: Block[];
  readonly #lost: FinalizationRegistry<Block>;

  /**
   * @param reserved bytes at the start that are never handed out
   * @throws RangeError when the system does not even reserve a small memory
   */
  constructor(readonly reserved: number, pages = mostPages) {
    this.memory = reserve(pages);
    // The kernels compare addresses with the end of an array, which must not be 2^32.
    this.#free = [{ start: align(reserved), end: this.memory.buffer.byteLength - alignment }];
    this.#lost = new FinalizationRegistry((block) => this.#release(block));
  }

  /** An array with unspecified contents, or null when there is no room for it. */
  take(precision: Precision, length: number): FloatArray | null {
    const bytes = align(length * (precision === "float64" ? 8 : 4));
    const place = this.#smallestThatHolds(bytes);
    if (place < 0) return null;
    const block = this.#free[place];
    const { start } = block;
    block.start += bytes;
    if (block.start === block.end) this.#free.splice(place, 1);
    const array = precision === "float64" ? new Float64Array(this.memory.buffer, start, length) : new Float32Array(this.memory.buffer, start, length);
    // Tensors that an interrupted run never disposed come back when their arrays are collected.
    this.#lost.register(array, { start, end: start + bytes }, array);
    return array;
  }

  /** The array must not be used any more. */
  give(array: FloatArray): void {
    this.#lost.unregister(array);
    this.#release({ start: array.byteOffset, end: array.byteOffset + align(array.byteLength) });
  }

  holds(array: FloatArray): boolean {
    return array.buffer === this.memory.buffer;
  }

  /** Bytes handed out at this moment. */
  get used(): number {
    return this.memory.buffer.byteLength - alignment - align(this.reserved) - this.#free.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  #smallestThatHolds(bytes: number): number {
    let best = -1;
    let bestSize = Infinity;
    for (let place = 0; place < this.#free.length; place++) {
      const size = this.#free[place].end - this.#free[place].start;
      if (size >= bytes && size < bestSize) {
        best = place;
        bestSize = size;
      }
    }
    return best;
  }

  /** Puts a block back and joins it with free neighbours. */
  #release(block: Block): void {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#free[middle].start < block.start) low = middle + 1;
      else high = middle;
    }
    const before = this.#free[low - 1];
    const after = this.#free[low];
    const joinsBefore = before !== undefined && before.end === block.start;
    const joinsAfter = after !== undefined && after.start === block.end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#free.splice(low, 1);
    } else if (joinsBefore) before.end = block.end;
    else if (joinsAfter) after.start = block.start;
    else this.#free.splice(low, 0, block);
  }
}

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/** The largest memory up to `pages` that the system reserves, halving. */
function reserve(pages: number): WebAssembly.Memory {
  for (let wanted = pages; ; wanted = Math.floor(wanted / 2)) {
    try {
      return new WebAssembly.Memory({ initial: wanted });
    } catch (error) {
      if (wanted / 2 < fewestPages) throw error;
    }
  }
}

