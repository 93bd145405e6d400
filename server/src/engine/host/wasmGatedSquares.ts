/** @file Gated squares by the compiled kernel, on two threads where a second one is offered; in a shared memory, as wasmJointSums.ts says. */

import type { FloatArray } from "../engine";
import { gatedSquareModule, tableBytes, termsPerTable, tileBytes, type GatedSquareFunctions } from "../kernels/gatedSquareKernels";
import type { ThreadCall } from "../kernels/sharedCalls";
import { TwoThreads } from "../kernels/twoThreads";
import type { GatedSizes } from "../shapes";
import type { GatedArrays } from "./gatedSquares";

/** Additions of vectors of four numbers from which waking the second thread costs little: about two milliseconds. */
const worthTwoThreads = 1e7;
/** Such additions of one call: few, since WebAssembly gets its fast code between two calls. */
const largestCall = 5e6;
/** Samples that filling a table costs as much as. */
const samplesOfTable = 64;

export class WasmGatedSquares {
  /** @throws Error when WebAssembly SIMD or shared memory is not available. */
  readonly #kernels = new TwoThreads<GatedSquareFunctions>(gatedSquareModule());

  /** As gatedSquares of gatedSquares.ts. */
  run({ conditions, weights, into, outOf, constant }: GatedArrays, { samples, terms, inputs, outputs }: GatedSizes, out: FloatArray): void {
    const single = out instanceof Float32Array;
    const lanes = tileBytes / out.BYTES_PER_ELEMENT;
    const groups = Math.ceil(terms / termsPerTable);
    const tiles = Math.ceil(inputs / lanes);
    const items = outputs * tiles;
    const additionsPerItem = (samples + samplesOfTable) * groups * (tileBytes / 16);
    const shared = items > 1 && items * additionsPerItem >= worthTwoThreads && this.#kernels.two;
    const scratch = tableBytes + samples * tileBytes;
    const [signs, bits, factors, rows, columns, fixed, own, others, sums] = this.#kernels.memory.reserve(
      conditions.byteLength, samples * groups, (weights?.byteLength ?? 0) + tileBytes, into.byteLength + tileBytes, outOf.byteLength,
      constant.byteLength + tileBytes, scratch, shared ? scratch : 0, items * lanes * 8,
    );
    const put = (values: FloatArray, address: number): void => this.#view(single, address, values.length).set(values);
    put(conditions, signs);
    if (weights !== null) put(weights, factors);
    put(outOf, columns);
    put(constant, fixed);
    const transposed = this.#view(single, rows, into.length);
    for (let j = 0; j < inputs; j++) for (let a = 0; a < terms; a++) transposed[a * inputs + j] = into[j * terms + a];
    this.#kernels.functions[single ? "pack32" : "pack64"](samples, terms, signs, bits);

    const scratches = [own, others];
    const together = Math.max(1, Math.floor(largestCall / additionsPerItem));
    const calls: ThreadCall<GatedSquareFunctions>[] = [];
    for (let first = 0; first < items; first += together) {
      const last = Math.min(items, first + together);
      calls.push((thread) => ({
        kernel: single ? "squares32" : "squares64",
        values: [
          samples, terms, inputs, outputs, first, last, bits, weights === null ? 0 : factors, rows, columns, fixed,
          scratches[thread], scratches[thread] + tableBytes, sums + first * lanes * 8,
        ],
      }));
    }
    this.#kernels.run(calls, !shared);
    const found = this.#kernels.memory.float64(sums, items * lanes);
    for (let i = 0; i < outputs; i++) out.set(found.subarray(i * tiles * lanes, i * tiles * lanes + inputs), i * inputs);
  }

  #view(single: boolean, address: number, length: number): FloatArray {
    return single ? this.#kernels.memory.float32(address, length) : this.#kernels.memory.float64(address, length);
  }
}
