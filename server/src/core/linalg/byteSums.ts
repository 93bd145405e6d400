/**
 * @file Sums and products X^T X of vectors of bytes: whole numbers, so they are exact. One vector instruction multiplies four times as many of them
 * as of float64 numbers, and panels of components that are zero in 512 samples (the margins of images) cost nothing.
 */

import {
  blockBytes, byteProductModule, mostSamples, panelsOf, panelWidth, samplesPerBlock, type ByteProductFunctions,
} from "../../engine/kernels/byteProductKernels";
import type { KernelCall } from "../../engine/kernels/sharedCalls";
import { TwoThreads } from "../../engine/kernels/twoThreads";
import { matrix, type Matrix } from "./matrix";

/** Packed samples of one step. */
const packedBytes = 32 * 2 ** 20;
/** Multiply-adds of one step: less than a tenth of a second on one thread. */
const largestStep = 2e9;
/** Multiply-adds of one call of the kernel: few at first use, since WebAssembly gets its fast code between two calls. */
const largestCall = 5e7;

/** The kernel reads whole groups of components, also behind the last sample. */
const slack = 8;

type Call = KernelCall<ByteProductFunctions>;

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
    const size = this.width + 1;
    const most = Math.min(mostSamples, (packedBytes / blockBytes(size)) * samplesPerBlock, (2 * largestStep) / size ** 2);
    return samplesPerBlock * Math.max(1, Math.floor(most / samplesPerBlock));
  }

  /** @param vectors [n, d] with n up to `samplesPerStep` */
  add(vectors: Uint8Array): void {
    const { memory, functions } = this.#kernels;
    const size = this.width + 1;
    const samples = vectors.length / this.width;
    const panels = panelsOf(size);
    const blocks = Math.ceil(samples / samplesPerBlock);
    const step = blockBytes(size);
    const [from, packed, flags, out] = memory.reserve(samplesPerBlock * size + slack, blocks * step, blocks * panels, 4 * (panels * panelWidth) ** 2);
    for (let block = 0; block < blocks; block += 1) {
      const first = block * samplesPerBlock;
      const count = Math.min(samplesPerBlock, samples - first);
      const room = memory.bytes(from, count * size);
      for (let sample = 0; sample < count; sample += 1) {
        room.set(vectors.subarray((first + sample) * this.width, (first + sample + 1) * this.width), sample * size);
        room[sample * size + this.width] = 1;
      }
      functions.pack(count, size, from, packed + block * step, flags + block * panels);
    }
    const lists: [Call[], Call[]] = [[], []];
    for (const [place, { first, last }] of panelRanges(panels, samples).entries()) {
      lists[place % 2].push({ kernel: "multiply", values: [samples, size, first, last, packed, flags, out] });
    }
    this.#kernels.run(...lists);
    const sums = memory.int32(out, (panels * panelWidth) ** 2);
    const { data } = this.#products;
    for (let row = 0; row < size; row += 1) {
      for (let col = row; col < size; col += 1) data[row * size + col] += sums[row * panels * panelWidth + col];
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

/** Ranges of rows of panels, in turn for one and the other thread; the first rows are the longest, so neighbours cost about the same. */
function panelRanges(panels: number, samples: number): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (let first = 0; first < panels;) {
    const most = Math.max(1, Math.floor(largestCall / (samples * panelWidth ** 2 * (panels - first))));
    const last = Math.min(panels, first + most);
    ranges.push({ first, last });
    first = last;
  }
  return ranges;
}
