/**
 * @file Sums and products X^T X of vectors of bytes: whole numbers, so they are exact. One vector instruction multiplies four times as many of them
 * as of float64 numbers, and components that are zero in 128 samples (most of the margin of images) cost nothing.
 */

import {
  byteProductModule, mostSamples, samplesPerBlock, scratchBytes, slack, sumColumns, sumRows, type ByteProductFunctions,
} from "../../engine/kernels/byteProductKernels";
import type { ThreadCall } from "../../engine/kernels/sharedCalls";
import { TwoThreads } from "../../engine/kernels/twoThreads";
import { matrix, type Matrix } from "./matrix";

/** Multiply-adds of one step: less than a tenth of a second on one thread. */
const largestStep = 2e9;
/** Multiply-adds of one call of the kernel: few at first use, since WebAssembly gets its fast code between two calls. */
const largestCall = 5e7;

type Call = ThreadCall<ByteProductFunctions>;

export class ByteSums {
  readonly #kernels = new TwoThreads<ByteProductFunctions>(byteProductModule());
  /** 32-bit sums of each thread, zero between two steps. */
  readonly #sums: readonly [number, number];
  /** Float64 sums of all steps [rows, columns], the half from the diagonal on: products of the components and of a 1 that every vector ends with. */
  readonly #wide: number;

  /** @param width d @throws Error when WebAssembly SIMD or shared memory is not available. */
  constructor(private readonly width: number) {
    const { memory } = this.#kernels;
    this.#sums = [memory.keep(4 * this.#size), memory.keep(4 * this.#size)];
    this.#wide = memory.keep(8 * this.#size);
  }

  get #size(): number {
    return sumRows(this.width) * sumColumns(this.width);
  }

  /** Samples that one `add` takes at most. */
  get samplesPerStep(): number {
    const most = Math.min(mostSamples, (2 * largestStep) / (this.width + 1) ** 2);
    return samplesPerBlock * Math.max(1, Math.floor(most / samplesPerBlock));
  }

  /** @param vectors [n, d] with n up to `samplesPerStep` */
  add(vectors: Uint8Array): void {
    const { memory } = this.#kernels;
    const { width } = this;
    const samples = vectors.length / width;
    const blocks = Math.ceil(samples / samplesPerBlock);
    const [from, ...scratch] = memory.reserve(vectors.length + slack, scratchBytes(width), scratchBytes(width));
    memory.bytes(from, vectors.length).set(vectors);
    const blocksPerCall = Math.max(1, Math.floor(largestCall / (samplesPerBlock * (width + 1) ** 2)));
    const calls = Array.from({ length: Math.ceil(blocks / blocksPerCall) }, (_, place): Call => {
      const first = place * blocksPerCall;
      return (thread) => ({ kernel: "addProducts", values: [samples, width, first, Math.min(blocks, first + blocksPerCall), from, scratch[thread], this.#sums[thread], 4 * sumColumns(width)] });
    });
    // Of a thread that was lost nothing counts; there will be no other.
    const both = this.#kernels.run(calls);
    for (const sums of both ? this.#sums : this.#sums.slice(0, 1)) this.#kernels.functions.moveSums(this.#size, sums, this.#wide);
  }

  /** What was added up; nothing can be added afterwards. @returns count n, sums [d] and products [d, d], both halves */
  total(): { count: number; sums: Float64Array; products: Matrix } {
    this.#kernels.end();
    const { width } = this;
    const columns = sumColumns(width);
    const found = this.#kernels.memory.float64(this.#wide, this.#size);
    const products = matrix(width, width);
    for (let row = 0; row < width; row += 1) {
      for (let col = row; col < width; col += 1) products.data[row * width + col] = products.data[col * width + row] = found[row * columns + col];
    }
    return { count: found[width * columns + width], sums: Float64Array.from({ length: width }, (_, row) => found[row * columns + width]), products };
  }
}
