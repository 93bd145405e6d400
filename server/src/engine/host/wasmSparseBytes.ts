/** @file Products of rows of bytes with a matrix by the compiled kernel, on two threads where a second one is offered; in a shared memory, as wasmJointSums.ts says. */

import { panelColumns, slack, sparseByteModule, type SparseByteFunctions } from "../kernels/sparseByteKernels";
import type { ThreadCall } from "../kernels/sharedCalls";
import { TwoThreads } from "../kernels/twoThreads";
import type { ByteRows } from "./byteRows";

/** Multiply-adds from which waking the second thread costs little: about two milliseconds. */
const worthTwoThreads = 1e7;
/** Multiply-adds of one call: few, since WebAssembly gets its fast code between two calls. */
const largestCall = 5e6;

export class WasmSparseBytes {
  /** @throws Error when WebAssembly SIMD or shared memory is not available. */
  readonly #kernels = new TwoThreads<SparseByteFunctions>(sparseByteModule());

  /** (rows, 1) b: [n, columns]. @param b [width + 1, columns] @param share of the bytes that are not zero */
  run({ bytes, width, meaning }: ByteRows, b: Float32Array, columns: number, share: number, out: Float32Array): void {
    const { memory, functions } = this.#kernels;
    const count = bytes.length / width;
    const panels = Math.ceil(columns / panelColumns);
    const perRow = Math.max(1, share * width * columns);
    const shared = count * perRow >= worthTwoThreads && this.#kernels.two;
    const work = functions.workBytes(width);
    const [rows, table, matrix, base, own, others, product] = memory.reserve(
      bytes.length + slack, 4 * meaning.length, 4 * panels * width * panelColumns, 4 * panels * panelColumns, work, shared ? work : 0, out.byteLength,
    );
    memory.bytes(rows, bytes.length).set(bytes);
    // Bytes that are zero are left out, so the others count from there.
    memory.float32(table, meaning.length).set(meaning.map((number) => number - meaning[0]));
    writePanels(b, width, columns, memory.float32(matrix, panels * width * panelColumns));
    memory.float32(base, panels * panelColumns).fill(0);
    memory.float32(base, columns).set(ofZeros(b, width, columns, meaning[0]));

    const works = [own, others];
    const together = Math.max(1, Math.floor(largestCall / perRow));
    const calls = Array.from({ length: Math.ceil(count / together) }, (_, place): ThreadCall<SparseByteFunctions> => {
      const first = place * together;
      return (thread) => ({ kernel: "multiplyRows", values: [first, Math.min(count, first + together), width, columns, rows, table, matrix, base, works[thread], product] });
    });
    this.#kernels.run(calls, !shared);
    out.set(memory.float32(product, out.length));
  }
}

/** The rows of b but the last, [panels, width, panelColumns]; what lies behind the last column is never used. */
function writePanels(b: Float32Array, width: number, columns: number, to: Float32Array): void {
  for (let first = 0, at = 0; first < columns; first += panelColumns) {
    const count = Math.min(panelColumns, columns - first);
    for (let row = 0; row < width; row++, at += panelColumns) {
      const from = row * columns + first;
      for (let column = 0; column < count; column++) to[at + column] = b[from + column];
    }
  }
}

/** What a row of zeros gives, carried in float64: [columns]. @param zero what the byte 0 stands for */
function ofZeros(b: Float32Array, width: number, columns: number, zero: number): Float64Array {
  const sums = new Float64Array(columns);
  if (zero !== 0) for (let at = 0; at < width * columns; at++) sums[at % columns] += b[at];
  return sums.map((sum, column) => zero * sum + b[width * columns + column]);
}
