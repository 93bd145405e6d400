/** @file Joint sums by the compiled kernel, in place: the arrays of tensors lie in the memory that the kernel sees. */

import type { FloatArray } from "../engine";
import { jointSumKernels, pairBytes, tableBytes, type JointSumFunctions } from "../kernels/jointSumKernels";
import { firstPair } from "../shapes";
import type { Arena } from "./arena";
import { jointSums } from "./jointSums";

/** Pairs whose running sums stay near the processor together; further conditions come in further passes over the samples. */
const pairsAtOnce = 8192;

const bitsPerWord = 64;

export class WasmJointSums {
  readonly #kernels: JointSumFunctions;

  constructor(private readonly arena: Arena) {
    this.#kernels = jointSumKernels(arena.memory);
  }

  /** As jointSums of jointSums.ts. */
  run(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray): void {
    const { arena } = this;
    const samples = values.length / width;
    const words = arena.take("float64", Math.ceil(samples / bitsPerWord) * count);
    const scratch = arena.take("float64", (tableBytes + pairBytes * Math.max(pairsAtOnce, count)) / 8);
    const inPlace = [values, conditions, out].every((array) => array.length > 0 && arena.holds(array));
    if (words === null || scratch === null || !inPlace) jointSums(values, width, conditions, count, out);
    else this.#run(values, width, conditions, count, out, words.byteOffset, scratch.byteOffset);
    for (const array of [words, scratch]) if (array !== null) arena.give(array);
  }

  #run(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray, words: number, tables: number): void {
    const samples = values.length / width;
    const [pack, joint] = out instanceof Float64Array ? [this.#kernels.pack64, this.#kernels.joint64] : [this.#kernels.pack32, this.#kernels.joint32];
    pack(samples, count, conditions.byteOffset, words);
    for (let first = 0; first < count;) {
      let last = first + 1;
      while (last < count && firstPair(count, last + 1) - firstPair(count, first) <= pairsAtOnce) last++;
      const to = out.byteOffset + firstPair(count, first) * width * out.BYTES_PER_ELEMENT;
      joint(samples, width, count, first, last, values.byteOffset, words, tables, tables + tableBytes, to);
      first = last;
    }
  }
}
