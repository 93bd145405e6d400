/** @file What the host engine does to arrays besides matrix products: in plain loops here, by compiled kernels in wasmArrays.ts. */

import type { Precision } from "../../protocol/spec";
import type { FloatArray } from "../engine";
import type { GatedSizes } from "../shapes";
import { BufferPool } from "./bufferPool";
import { byteRows, type ByteRows } from "./byteRows";
import { forEachColumns } from "./columns";
import * as elementwise from "./elementwise";
import { gatedSquares, type GatedArrays } from "./gatedSquares";
import { jointCounts, jointSums } from "./jointSums";
import * as layout from "./layout";
import * as reduce from "./reduce";
import { plainUnary, type UnaryFunctions } from "./unary";

/** Where the arrays of tensors come from and go back to. */
export interface ArraySource {
  /** An array with unspecified contents: the caller overwrites all of it. */
  take(length: number): FloatArray;
  /** The array must not be used any more. */
  give(array: FloatArray): void;
}

/** Every function fills all of `out`, which overlaps no operand; shapes were checked before. */
export interface ArrayFunctions extends UnaryFunctions {
  source(precision: Precision): ArraySource;
  /** The numbers of rows of bytes, a 1 behind each row: out [n, width + 1]. */
  byteRows(rows: ByteRows, out: FloatArray): void;
  /**
   * The same times b [width + 1, columns] where that takes less time than writing the numbers and multiplying them: out [n, columns].
   * @returns whether it was done
   */
  byteProduct(rows: ByteRows, b: FloatArray, columns: number, out: FloatArray): boolean;
  /** a (op) b with NumPy broadcasting. */
  binary(
    name: elementwise.BinaryName, a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[],
  ): void;
  /** sum + a b with NumPy broadcasting of a and b to the shape of the sum. */
  addProduct(
    sum: FloatArray, a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[],
  ): void;
  /** a * factor + offset */
  affine(a: FloatArray, factor: number, offset: number, out: FloatArray): void;
  square(a: FloatArray, out: FloatArray): void;
  sqrt(a: FloatArray, out: FloatArray): void;
  /** Over `axes`, sorted, counted from the front; carried in float64. `squared`: of the squares. */
  sum(a: FloatArray, shape: readonly number[], axes: readonly number[], squared: boolean, out: FloatArray): void;
  /** Columns of x - shift in float64 for `rows` rows at a time: `body` gets [d, count], valid only inside it. */
  forEachColumns(x: FloatArray, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): void;
  /** Values [n, width], conditions [n, count]: sums of the values where both conditions of a pair are positive, out [pairs, width]. */
  jointSums(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray): void;
  /** Conditions [n, count]: how many samples are positive in both of a pair, out [pairs]. */
  jointCounts(conditions: FloatArray, count: number, out: FloatArray): void;
  /** As `gatedSquares` of engine.ts, out [q, r]. */
  gatedSquares(arrays: GatedArrays, sizes: GatedSizes, out: FloatArray): void;
  transpose(a: FloatArray, shape: readonly number[], permutation: readonly number[], out: FloatArray): void;
  slice(a: FloatArray, shape: readonly number[], begin: readonly number[], size: readonly number[], out: FloatArray): void;
  concat(parts: readonly FloatArray[], shapes: readonly (readonly number[])[], axis: number, out: FloatArray): void;
}

/** Disposed arrays are kept for reuse up to this many bytes. */
const poolBytes = 256 * 2 ** 20;

export const plainArrays: ArrayFunctions = {
  ...plainUnary,
  source: (precision) => new BufferPool(precision, poolBytes),
  byteRows,
  byteProduct: () => false,
  binary: elementwise.binary,
  addProduct: elementwise.addProduct,
  affine: elementwise.affine,
  square: elementwise.square,
  sqrt: elementwise.sqrt,
  sum: reduce.sum,
  forEachColumns,
  jointSums,
  jointCounts,
  gatedSquares,
  transpose: layout.transpose,
  slice: layout.slice,
  concat: layout.concat,
};
