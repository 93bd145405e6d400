/** @file Array functions by the project's own SIMD kernels, in place: the arrays of tensors lie in the memory that the kernels see. */

import type { Precision } from "../../protocol/spec";
import type { FloatArray } from "../engine";
import { firstLine } from "../nativePackages";
import { arrayKernels, binaryNames, type ArrayKernelFunctions } from "../kernels/arrayKernels";
import { ElementwiseKernels } from "../kernels/elementwiseKernels";
import type { MatrixProducts } from "../products/matrixProducts";
import type { GatedSizes } from "../shapes";
import { Arena } from "./arena";
import { plainArrays, type ArrayFunctions, type ArraySource } from "./arrayFunctions";
import { filledShare, type ByteRows } from "./byteRows";
import { loopNest, type BinaryName } from "./elementwise";
import type { GatedArrays } from "./gatedSquares";
import { InPlaceProducts } from "./inPlaceProducts";
import { planConcatRuns, planPick, planTranspose } from "./layout";
import { sumPasses } from "./reduce";
import { WasmGatedSquares } from "./wasmGatedSquares";
import { WasmJointSums } from "./wasmJointSums";
import { WasmSparseBytes } from "./wasmSparseBytes";
import { wasmUnary } from "./wasmUnary";

/** Shorter arrays live outside the arena: the plain loops are done with them before a kernel is reached. */
const worthwhile = 64;
/** Share of bytes that are not zero up to which products of them alone are faster than a native library's of all (docs/backends.md). */
const fewBytes = 0.25;
/** Multiply-adds from which the copies of bytes and matrix are worth it. */
const worthCopies = 96 ** 3;
/** Where the tables of loop nests stand, and how many numbers fit. */
const nestAt = 64;
const nestLength = 256;
/** A short operand (a bias, say) is copied here. */
const operandAt = 2048;

let shared: WasmArrays | null = null;

/** One arena and one set of kernels per process. @throws Error when WebAssembly SIMD or memory for the arena is not available. */
export function wasmArrays(): WasmArrays {
  shared ??= new WasmArrays();
  return shared;
}

export interface HostArrays {
  arrays: ArrayFunctions;
  /** Why the kernels do not run here, in one sentence; null when they do. */
  missing: string | null;
  /** Small products in place, the others by what is given. */
  products(others: MatrixProducts): MatrixProducts;
}

/** The kernels, or plain loops and the sentence that says why. */
export function fastestArrays(): HostArrays {
  try {
    const arrays = wasmArrays();
    return { arrays, missing: null, products: (others) => arrays.products(others) };
  } catch (error) {
    return { arrays: plainArrays, missing: `The WebAssembly array kernels do not run here: ${firstLine(error)}`, products: (others) => others };
  }
}

class WasmArrays implements ArrayFunctions {
  readonly #arena: Arena;
  readonly #kernels: ArrayKernelFunctions;
  readonly #nest: Int32Array;
  /** Made when first needed. */
  #jointSums: WasmJointSums | null = null;
  #gatedSquares: WasmGatedSquares | null = null;
  #sparseBytes: WasmSparseBytes | null = null;
  readonly exp; readonly maximum; readonly activate; readonly activateDerivative; readonly softmax;

  constructor() {
    const elementwiseAt = operandAt + worthwhile * 8;
    this.#arena = new Arena(elementwiseAt + ElementwiseKernels.bytes);
    this.#kernels = arrayKernels(this.#arena.memory);
    this.#nest = new Int32Array(this.#arena.memory.buffer, nestAt, nestLength);
    ({ exp: this.exp, maximum: this.maximum, activate: this.activate, activateDerivative: this.activateDerivative, softmax: this.softmax }
      = wasmUnary(new ElementwiseKernels(this.#arena.memory, elementwiseAt)));
  }

  /** Products of tensors of the arena: small ones in place, the others by what is given. */
  products(others: MatrixProducts): MatrixProducts {
    return new InPlaceProducts(this.#arena, others);
  }

  source(precision: Precision): ArraySource {
    const outside = plainArrays.source(precision);
    return {
      take: (length) => (length < worthwhile ? null : this.#arena.take(precision, length)) ?? outside.take(length),
      give: (array) => (this.#arena.holds(array) ? this.#arena : outside).give(array),
    };
  }

  byteRows({ bytes, width, meaning }: ByteRows, out: FloatArray): void {
    const precision = out instanceof Float64Array ? "float64" : "float32";
    const room = this.#arena.take("float64", Math.ceil(bytes.length / 8));
    const table = this.#arena.take(precision, meaning.length);
    if (room === null || table === null || !this.#inPlace(out)) {
      plainArrays.byteRows({ bytes, width, meaning }, out);
    } else {
      new Uint8Array(room.buffer, room.byteOffset, bytes.length).set(bytes);
      table.set(meaning);
      const lookup = precision === "float64" ? this.#kernels.lookup64 : this.#kernels.lookup32;
      lookup(bytes.length / width, width, room.byteOffset, table.byteOffset, out.byteOffset);
    }
    for (const array of [room, table]) if (array !== null) this.#arena.give(array);
  }

  byteProduct(rows: ByteRows, b: FloatArray, columns: number, out: FloatArray): boolean {
    if (!(b instanceof Float32Array && out instanceof Float32Array) || rows.bytes.length * columns < worthCopies) return false;
    const share = filledShare(rows);
    if (share > fewBytes) return false;
    this.#sparseBytes ??= new WasmSparseBytes();
    this.#sparseBytes.run(rows, b, columns, share, out);
    return true;
  }

  binary(name: BinaryName, a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[]): void {
    const nest = this.#nestOf(a, aShape, b, bShape, out, outShape);
    if (nest === null) {
      plainArrays.binary(name, a, aShape, b, bShape, out, outShape);
      return;
    }
    const combine = out instanceof Float64Array ? this.#kernels.combine64 : this.#kernels.combine32;
    combine(binaryNames.indexOf(name), nest.levels, nestAt, nest.rows, nest.a, nest.b, out.byteOffset);
  }

  addProduct(sum: FloatArray, a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[]): void {
    const nest = this.#inPlace(sum) ? this.#nestOf(a, aShape, b, bShape, out, outShape) : null;
    if (nest === null) {
      plainArrays.addProduct(sum, a, aShape, b, bShape, out, outShape);
      return;
    }
    const addProduct = out instanceof Float64Array ? this.#kernels.addProduct64 : this.#kernels.addProduct32;
    addProduct(nest.levels, nestAt, nest.rows, nest.a, nest.b, sum.byteOffset, out.byteOffset);
  }

  /** Writes the table of two operands with broadcasting; null where they or `out` do not lie in the arena. */
  #nestOf(
    a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[],
  ): { levels: number; rows: number; a: number; b: number } | null {
    const { extents, aStrides, bStrides } = loopNest(outShape, aShape, bShape);
    const levels = extents.length;
    const [pa, pb] = this.#short(a) ? [this.#operand(a), this.#address(b)] : [this.#address(a), this.#operand(b)];
    if (pa === null || pb === null || !this.#arena.holds(out) || 4 * levels > nestLength) return null;
    this.#nest.set(extents, 0);
    this.#nest.set(aStrides, levels);
    this.#nest.set(bStrides, 2 * levels);
    return { levels, rows: out.length / extents[levels - 1], a: pa, b: pb };
  }

  affine(a: FloatArray, factor: number, offset: number, out: FloatArray): void {
    if (!this.#inPlace(a, out)) plainArrays.affine(a, factor, offset, out);
    else if (out instanceof Float64Array) this.#kernels.affine64(out.length, a.byteOffset, out.byteOffset, factor, offset);
    else this.#kernels.affine32(out.length, a.byteOffset, out.byteOffset, factor, offset);
  }

  square(a: FloatArray, out: FloatArray): void {
    this.binary("mul", a, [a.length], a, [a.length], out, [out.length]);
  }

  sqrt(a: FloatArray, out: FloatArray): void {
    plainArrays.sqrt(a, out);
  }

  sum(a: FloatArray, shape: readonly number[], axes: readonly number[], squared: boolean, out: FloatArray): void {
    const passes = sumPasses(shape, axes);
    if (passes.length === 0 || !this.#arena.holds(a)) {
      plainArrays.sum(a, shape, axes, squared, out);
      return;
    }
    let values: FloatArray = a;
    for (const [place, { outer, reduced, inner }] of passes.entries()) {
      const sums = this.#arena.take("float64", outer * inner);
      if (sums === null) {
        if (values !== a) this.#arena.give(values);
        plainArrays.sum(a, shape, axes, squared, out);
        return;
      }
      const kernel = values instanceof Float64Array ? this.#kernels.sum64 : this.#kernels.sum32;
      kernel(squared && place === 0, outer, reduced, inner, values.byteOffset, sums.byteOffset);
      if (values !== a) this.#arena.give(values);
      values = sums;
    }
    out.set(values);
    this.#arena.give(values);
  }

  forEachColumns(x: FloatArray, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): void {
    const width = shift.length;
    const all = x.length / width;
    const room = this.#inPlace(x) ? this.#arena.take("float64", width * (1 + Math.min(rows, all))) : null;
    if (!(room instanceof Float64Array)) {
      plainArrays.forEachColumns(x, shift, rows, body);
      return;
    }
    room.set(shift);
    const kernel = x instanceof Float64Array ? this.#kernels.columns64 : this.#kernels.columns32;
    try {
      for (let start = 0; start < all; start += rows) {
        const count = Math.min(rows, all - start);
        const out = room.subarray(width, width * (1 + count));
        kernel(count, width, x.byteOffset + start * width * x.BYTES_PER_ELEMENT, room.byteOffset, out.byteOffset);
        body(out, count);
      }
    } finally {
      this.#arena.give(room);
    }
  }

  jointSums(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray): void {
    (this.#jointSums ??= new WasmJointSums()).run(values, width, conditions, count, out);
  }

  jointCounts(conditions: FloatArray, count: number, out: FloatArray): void {
    (this.#jointSums ??= new WasmJointSums()).count(conditions, count, out);
  }

  gatedSquares(arrays: GatedArrays, sizes: GatedSizes, out: FloatArray): void {
    if (out.length > 0) (this.#gatedSquares ??= new WasmGatedSquares()).run(arrays, sizes, out);
  }

  transpose(a: FloatArray, shape: readonly number[], permutation: readonly number[], out: FloatArray): void {
    const plan = planTranspose(shape, permutation);
    if (plan.kind === "copy" || !this.#inPlace(a, out)) {
      plainArrays.transpose(a, shape, permutation, out);
    } else if (plan.kind === "swap") {
      const swap = out instanceof Float64Array ? this.#kernels.swap64 : this.#kernels.swap32;
      swap(plan.batch, plan.rows, plan.cols, a.byteOffset, out.byteOffset);
    } else {
      this.#pick(a, 0, plan.extents, plan.steps, out);
    }
  }

  slice(a: FloatArray, shape: readonly number[], begin: readonly number[], size: readonly number[], out: FloatArray): void {
    if (!this.#inPlace(a, out)) {
      plainArrays.slice(a, shape, begin, size, out);
      return;
    }
    const { start, extents, steps } = planPick(shape, begin, size);
    this.#pick(a, start, extents, steps, out);
  }

  concat(parts: readonly FloatArray[], shapes: readonly (readonly number[])[], axis: number, out: FloatArray): void {
    if (!this.#inPlace(...parts, out)) {
      plainArrays.concat(parts, shapes, axis, out);
      return;
    }
    const { outer, runs } = planConcatRuns(shapes, axis);
    const size = out.BYTES_PER_ELEMENT;
    const step = runs.reduce((sum, run) => sum + run, 0) * size;
    let to = out.byteOffset;
    for (const [part, run] of runs.entries()) {
      this.#kernels.spread(outer, run * size, parts[part].byteOffset, to, step);
      to += run * size;
    }
  }

  #pick(a: FloatArray, start: number, extents: readonly number[], steps: readonly number[], out: FloatArray): void {
    const levels = extents.length;
    this.#nest.set(extents, 0);
    this.#nest.set(steps, levels);
    const pick = out instanceof Float64Array ? this.#kernels.pick64 : this.#kernels.pick32;
    pick(levels, nestAt, out.length / extents[levels - 1], a.byteOffset + start * out.BYTES_PER_ELEMENT, out.byteOffset);
  }

  #inPlace(...arrays: readonly FloatArray[]): boolean {
    return arrays.every((array) => array.length > 0 && this.#arena.holds(array));
  }

  #short(array: FloatArray): boolean {
    return array.length < worthwhile;
  }

  #address(array: FloatArray): number | null {
    return this.#arena.holds(array) ? array.byteOffset : null;
  }

  /** The address of the array itself, or of a copy when it is a short one outside the arena. */
  #operand(array: FloatArray): number | null {
    if (this.#arena.holds(array)) return array.byteOffset;
    if (!this.#short(array)) return null;
    const { buffer } = this.#arena.memory;
    (array instanceof Float64Array ? new Float64Array(buffer, operandAt, array.length) : new Float32Array(buffer, operandAt, array.length)).set(array);
    return operandAt;
  }
}
