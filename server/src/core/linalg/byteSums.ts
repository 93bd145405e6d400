/**
 * @file Sums and products X^T X of vectors of bytes: whole numbers, so they are exact. One vector instruction multiplies four times as many of them
 * as of float64 numbers, and components that are zero in 128 samples (most of the margin of images) cost nothing.
 */

import {
  byteProductModule, mostSamples, samplesPerBlock, scratchBytes, slack, sumSize, type ByteProductFunctions,
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
  /** [d + 1, d + 1], the half from the diagonal on: products of the components and of a 1 that every vector ends with. */
  readonly #products: Matrix;
  readonly #kernels = new TwoThreads<ByteProductFunctions>(byteProductModule());

  /** @param width d @throws Error when WebAssembly SIMD or shared memory is not available. */
  constructor(private readonly width: number) {
    this.#products = matrix(width + 1, width + 1);
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
    const size = sumSize(width);
    const sumBytes = 4 * size * size;
    const [from, ...areas] = memory.reserve(vectors.length + slack, scratchBytes(width), scratchBytes(width), sumBytes, sumBytes);
    const [scratch, sums] = [areas.slice(0, 2), areas.slice(2)];
    memory.bytes(from, vectors.length).set(vectors);
    for (const address of sums) memory.bytes(address, sumBytes).fill(0);
    const blocksPerCall = Math.max(1, Math.floor(largestCall / (samplesPerBlock * (width + 1) ** 2)));
    const calls = Array.from({ length: Math.ceil(blocks / blocksPerCall) }, (_, place): Call => {
      const first = place * blocksPerCall;
      return (thread) => ({ kernel: "addProducts", values: [samples, width, first, Math.min(blocks, first + blocksPerCall), from, scratch[thread], sums[thread], 4 * size] });
    });
    const both = this.#kernels.run(calls);
    const { data, cols } = this.#products;
    for (const address of both ? sums : sums.slice(0, 1)) {
      const found = memory.int32(address, size * size);
      for (let row = 0; row <= width; row += 1) {
        for (let col = row; col <= width; col += 1) data[row * cols + col] += found[row * size + col];
      }
    }
  }

  /** What was added up; nothing can be added afterwards. @returns count n, sums [d] and products [d, d], both halves */
  total(): { count: number; sums: Float64Array; products: Matrix } {
    this.#kernels.end();
    const { width } = this;
    const { data, cols } = this.#products;
    const products = matrix(width, width);
    for (let row = 0; row < width; row += 1) {
      for (let col = row; col < width; col += 1) products.data[row * width + col] = products.data[col * width + row] = data[row * cols + col];
    }
    return { count: data[width * cols + width], sums: Float64Array.from({ length: width }, (_, row) => data[row * cols + width]), products };
  }
}
