/**
 * @file Joint sums by the compiled kernel, on two threads where a second one is offered. The kernel has a shared memory of its own, into which values
 * and conditions are copied: native libraries do not take tensors that lie in a shared one.
 */

import type { FloatArray } from "../engine";
import { countBytes, jointSumModule, tableBytes, tileBytes, type JointSumFunctions } from "../kernels/jointSumKernels";
import type { ThreadCall } from "../kernels/sharedCalls";
import { TwoThreads } from "../kernels/twoThreads";
import { firstPair, pairCount } from "../shapes";

/** Pairs whose running sums stay near the processor together; further conditions come in further passes over the samples. */
const pairsAtOnce = 8192;
/** Additions of numbers from which waking the second thread costs little: about two milliseconds. */
const worthTwoThreads = 1e8;

/** Counted pairs of bits that take as long. */
const countsWorthTwoThreads = 1e8;

const bitsPerWord = 64;

type Call = ThreadCall<JointSumFunctions>;

export class WasmJointSums {
  /** @throws Error when WebAssembly SIMD or shared memory is not available. */
  readonly #kernels = new TwoThreads<JointSumFunctions>(jointSumModule());

  /** As jointSums of jointSums.ts. */
  run(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray): void {
    const samples = values.length / width;
    const pairs = pairCount(count);
    const single = out instanceof Float32Array;
    const shared = samples * pairs * width >= worthTwoThreads && this.#kernels.two;
    // Ranges end between conditions: with half a condition more than half of the pairs, two are enough. More would fill the tables more often.
    const most = Math.max(count, Math.min(pairsAtOnce, shared ? Math.ceil((pairs + count) / 2) : pairs));
    const scratch = tableBytes + tileBytes * most;
    const [from, signs, words, own, others, to] = this.#kernels.memory.reserve(
      values.byteLength, conditions.byteLength, Math.ceil(samples / bitsPerWord) * count * 8, scratch, shared ? scratch : 0, out.byteLength,
    );
    this.#view(single, from, values.length).set(values);
    this.#view(single, signs, conditions.length).set(conditions);
    this.#kernels.functions[single ? "pack32" : "pack64"](samples, count, signs, words);
    const scratches = [own, others];
    const tiles = Math.ceil((width * out.BYTES_PER_ELEMENT) / tileBytes);
    const calls = ranges(count, most).flatMap(({ first, last }) => Array.from({ length: tiles }, (_, tile): Call => {
      const target = to + firstPair(count, first) * width * out.BYTES_PER_ELEMENT;
      return (thread) => ({
        kernel: single ? "joint32" : "joint64",
        values: [samples, width, count, first, last, tile, tile + 1, from, words, scratches[thread], scratches[thread] + tableBytes, target],
      });
    }));
    this.#kernels.run(calls, !shared);
    out.set(this.#view(single, to, out.length));
  }

  /** As jointCounts of jointSums.ts. */
  count(conditions: FloatArray, count: number, out: FloatArray): void {
    const samples = conditions.length / count;
    const single = out instanceof Float32Array;
    const shared = samples * out.length >= countsWorthTwoThreads && this.#kernels.two;
    const [signs, words, own, others, to] = this.#kernels.memory.reserve(
      conditions.byteLength, Math.ceil(samples / bitsPerWord) * count * 8, countBytes, countBytes, out.byteLength,
    );
    this.#view(single, signs, conditions.length).set(conditions);
    this.#kernels.functions[single ? "pack32" : "pack64"](samples, count, signs, words);
    const rooms = [own, others];
    const calls = ranges(count, Math.ceil(out.length / 8)).map(({ first, last }): Call => (thread) => ({
      kernel: single ? "count32" : "count64",
      values: [samples, count, first, last, words, rooms[thread], to + firstPair(count, first) * out.BYTES_PER_ELEMENT],
    }));
    this.#kernels.run(calls, !shared);
    out.set(this.#view(single, to, out.length));
  }

  #view(single: boolean, address: number, length: number): FloatArray {
    return single ? this.#kernels.memory.float32(address, length) : this.#kernels.memory.float64(address, length);
  }
}

/** First conditions of pairs, `first` up to (not including) `last`, with at most `most` pairs each and at least one condition. */
function ranges(count: number, most: number): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = [];
  for (let first = 0; first < count;) {
    let last = first + 1;
    while (last < count && firstPair(count, last + 1) - firstPair(count, first) <= most) last++;
    found.push({ first, last });
    first = last;
  }
  return found;
}
