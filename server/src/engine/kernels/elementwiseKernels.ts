/** @file The compiled elementwise kernels (elementwise.as.ts) on arrays of any length, in pieces that stay in the cache. */

import type { FloatArray } from "../engine";
import { erfCoefficients } from "../host/erf";
import bytes from "./elementwise.wasm";

/** In the order of the kernels' numbers. */
const operations = [
  "exp", "relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "gelu_new",
  "relu slope", "leaky_relu slope", "tanh slope", "sigmoid slope", "silu slope", "gelu slope", "gelu_new slope", "maximum",
] as const;
export type KernelOperation = (typeof operations)[number];

interface KernelFunctions {
  map32(operation: number, count: number, from: number, to: number, parameter: number, table: number): void;
  map64(operation: number, count: number, from: number, to: number, parameter: number, table: number): void;
  softmax32(rows: number, width: number, from: number, to: number): void;
  softmax64(rows: number, width: number, from: number, to: number): void;
}

/** Entries per piece: input and output together fit into a second-level cache. */
const pieceLength = 16384;
const pageBytes = 65536;
const tableAt = 16;

export class ElementwiseKernels {
  readonly #functions: KernelFunctions;
  readonly #from: { at: number; single: Float32Array; double: Float64Array };
  readonly #to: { at: number; single: Float32Array; double: Float64Array };

  /** @throws Error when WebAssembly SIMD is not available. */
  constructor() {
    const fromAt = Math.ceil((tableAt + erfCoefficients.byteLength) / 16) * 16;
    // One more pair behind each piece: the kernels work on pairs.
    const areaBytes = (pieceLength + 2) * 8;
    const memory = new WebAssembly.Memory({ initial: Math.ceil((fromAt + 2 * areaBytes) / pageBytes) });
    this.#functions = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as unknown as KernelFunctions;
    new Float64Array(memory.buffer, tableAt, erfCoefficients.length).set(erfCoefficients);
    const area = (at: number): { at: number; single: Float32Array; double: Float64Array } => ({
      at, single: new Float32Array(memory.buffer, at, pieceLength), double: new Float64Array(memory.buffer, at, pieceLength),
    });
    this.#from = area(fromAt);
    this.#to = area(fromAt + areaBytes);
  }

  /** out[i] = operation(a[i]); `parameter` is the slope of leaky_relu or the floor of maximum. */
  map(operation: KernelOperation, a: FloatArray, parameter: number, out: FloatArray): void {
    const double = out instanceof Float64Array;
    const number = operations.indexOf(operation);
    const map = double ? this.#functions.map64 : this.#functions.map32;
    this.#inPieces(a, out, pieceLength, (count) => map(number, count, this.#from.at, this.#to.at, parameter, tableAt));
  }

  /** Longest row that `softmax` takes. */
  readonly widest = pieceLength;

  softmax(a: FloatArray, width: number, out: FloatArray): void {
    if (width === 0) return;
    const softmax = out instanceof Float64Array ? this.#functions.softmax64 : this.#functions.softmax32;
    const rows = Math.floor(pieceLength / width);
    this.#inPieces(a, out, rows * width, (count) => softmax(count / width, width, this.#from.at, this.#to.at));
  }

  /** Copies each piece in, calls `run` with its length, and copies the result out. */
  #inPieces(a: FloatArray, out: FloatArray, length: number, run: (count: number) => void): void {
    const double = out instanceof Float64Array;
    const from: FloatArray = double ? this.#from.double : this.#from.single;
    const to: FloatArray = double ? this.#to.double : this.#to.single;
    for (let start = 0; start < out.length; start += length) {
      const count = Math.min(length, out.length - start);
      from.set(a.subarray(start, start + count));
      run(count);
      out.set(count === to.length ? to : to.subarray(0, count), start);
    }
  }
}
