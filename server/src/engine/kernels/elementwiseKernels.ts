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

/** Entries per piece of an array outside the memory: input and output together fit into a second-level cache. */
const pieceLength = 16384;
/** One more pair behind each piece: the kernels work on pairs. */
const areaBytes = (pieceLength + 2) * 8;
const tableBytes = Math.ceil(erfCoefficients.byteLength / 16) * 16;

interface Area { readonly at: number; readonly single: Float32Array; readonly double: Float64Array }

export class ElementwiseKernels {
  /** Bytes that the kernels need for themselves. */
  static readonly bytes = tableBytes + 2 * areaBytes;

  readonly #functions: KernelFunctions;
  readonly #from: Area;
  readonly #to: Area;

  /**
   * @param memory where the kernels work; arrays that lie in it are not copied
   * @param at address of `ElementwiseKernels.bytes` bytes of it, a multiple of 16
   * @throws Error when WebAssembly SIMD is not available.
   */
  constructor(private readonly memory: WebAssembly.Memory, private readonly at: number) {
    this.#functions = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as unknown as KernelFunctions;
    new Float64Array(memory.buffer, at, erfCoefficients.length).set(erfCoefficients);
    const area = (start: number): Area => ({
      at: start, single: new Float32Array(memory.buffer, start, pieceLength), double: new Float64Array(memory.buffer, start, pieceLength),
    });
    this.#from = area(at + tableBytes);
    this.#to = area(at + tableBytes + areaBytes);
  }

  /** out[i] = operation(a[i]); `parameter` is the slope of leaky_relu or the floor of maximum. */
  map(operation: KernelOperation, a: FloatArray, parameter: number, out: FloatArray): void {
    const number = operations.indexOf(operation);
    const map = out instanceof Float64Array ? this.#functions.map64 : this.#functions.map32;
    this.#run(a, out, pieceLength, 2, (count, from, to) => map(number, count, from, to, parameter, this.at));
  }

  /** Longest row that `softmax` takes. */
  readonly widest = pieceLength;

  softmax(a: FloatArray, width: number, out: FloatArray): void {
    if (width === 0) return;
    const softmax = out instanceof Float64Array ? this.#functions.softmax64 : this.#functions.softmax32;
    this.#run(a, out, Math.floor(pieceLength / width) * width, 2 * width, (count, from, to) => softmax(count / width, width, from, to));
  }

  /**
   * In place where both arrays lie in the memory, but for the last entries: the kernels may write one entry more than there are, which
   * must not fall behind the array. The rest goes in pieces: copied in, computed, copied out.
   * @param unit the last piece is a multiple of this, or whatever is left
   */
  #run(a: FloatArray, out: FloatArray, length: number, unit: number, run: (count: number, from: number, to: number) => void): void {
    const inside = a.buffer === this.memory.buffer && out.buffer === this.memory.buffer;
    const whole = inside ? Math.max(0, Math.floor((out.length - 1) / unit) * unit) : 0;
    if (whole > 0) run(whole, a.byteOffset, out.byteOffset);
    const double = out instanceof Float64Array;
    const from: FloatArray = double ? this.#from.double : this.#from.single;
    const to: FloatArray = double ? this.#to.double : this.#to.single;
    for (let start = whole; start < out.length; start += length) {
      const count = Math.min(length, out.length - start);
      from.set(a.subarray(start, start + count));
      run(count, this.#from.at, this.#to.at);
      out.set(count === to.length ? to : to.subarray(0, count), start);
    }
  }
}
