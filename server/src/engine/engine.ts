/**
 * @file The tensor engine: the only thing the science knows about arrays and hardware.
 * Tensors are immutable, row-major, opaque handles. Every operation checks shapes first and names both in its message.
 */

import type { Precision } from "../protocol/spec";
import type { BackendName } from "../protocol/result";
import type { ActivationName } from "../protocol/spec";

export type FloatArray = Float32Array | Float64Array;

/** Handle of a tensor that lives wherever the backend keeps it. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly size: number;
}

export interface ActivationOptions { negativeSlope?: number }

/** Matrices of `gatedSquares`: L [r, h], R [h, q], K [q, r]. */
export interface GatedForm { readonly into: Tensor; readonly outOf: Tensor; readonly constant: Tensor }

export interface Engine {
  readonly backend: BackendName;
  readonly precision: Precision;
  /** For people: which kernels run, for example "matrix products by onnxruntime 1.30.0, small ones by own SIMD kernels, float32". */
  readonly description: string;

  /** Copies `values` (row-major) to the backend. @throws RangeError when the length is not the product of `shape`. */
  tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor;
  /**
   * Rows of bytes [n, d] as the numbers that `meaning` [256] says, a 1 behind each row: [n, d + 1]. They may be written when they are first
   * needed: the bytes stay as they are while the tensor lives. @throws RangeError when the rows are not whole.
   */
  tensorOfBytes(bytes: Uint8Array, width: number, meaning: Float32Array): Tensor;
  /** Values of a tensor, row-major, in the engine's precision. Never a view of memory that the engine will reuse. */
  read(tensor: Tensor): Promise<FloatArray>;
  /** target += factor * tensor, in float64 on the host, without a copy where the values lie there. @throws RangeError when the sizes differ. */
  addTo(target: Float64Array, tensor: Tensor, factor?: number): Promise<void>;
  /**
   * Calls `body` with the columns of x - shift in float64, whatever the engine's precision: x [..., d] as rows, `rows` of them at a time,
   * as [d, count]. What `body` is given is valid only inside it.
   */
  readColumns(x: Tensor, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): Promise<void>;
  /** Runs `body` and frees every tensor made in it except those in its result. `body` is synchronous. */
  tidy<T>(body: () => T): T;
  dispose(...tensors: Tensor[]): void;

  /**
   * Matrix product over the last two axes, [..., m, k] x [..., k, n] -> [..., m, n].
   * Leading axes must be equal, or absent on one side (then that matrix is shared).
   */
  matMul(a: Tensor, b: Tensor, options?: { transposeA?: boolean; transposeB?: boolean }): Tensor;

  /** Elementwise with NumPy broadcasting. */
  add(a: Tensor, b: Tensor): Tensor;
  sub(a: Tensor, b: Tensor): Tensor;
  mul(a: Tensor, b: Tensor): Tensor;
  div(a: Tensor, b: Tensor): Tensor;
  /** sum + a * b in one pass where the backend can; a and b broadcast to the shape of `sum`. */
  addProduct(sum: Tensor, a: Tensor, b: Tensor): Tensor;
  /** a * factor + offset */
  affine(a: Tensor, factor: number, offset?: number): Tensor;
  square(a: Tensor): Tensor;
  sqrt(a: Tensor): Tensor;
  exp(a: Tensor): Tensor;
  maximum(a: Tensor, floor: number): Tensor;

  activation(name: ActivationName, a: Tensor, options?: ActivationOptions): Tensor;
  /** First derivative of the activation at `a`; at a kink of relu the derivative is 0, as in PyTorch. */
  activationDerivative(name: ActivationName, a: Tensor, options?: ActivationOptions): Tensor;
  /** Softmax over the last axis; rows of -Infinity entries are allowed where the mask is. */
  softmax(a: Tensor): Tensor;

  sum(a: Tensor, axes: readonly number[], keepDims?: boolean): Tensor;
  /** sum(square(a), axes) in one pass where the backend can. */
  sumOfSquares(a: Tensor, axes: readonly number[], keepDims?: boolean): Tensor;
  /**
   * Sums over samples of `values` [n, r] where both of two `conditions` [n, h] are positive, for all pairs (a, c) with a <= c in the order of
   * a, then c: [h (h + 1) / 2, r]. Only where it costs less than the matrix product of values and pairs of ones and zeros.
   */
  jointSums?(values: Tensor, conditions: Tensor): Tensor;
  /** The number of samples where both conditions are positive, for the same pairs: [h (h + 1) / 2]. Only where that costs less than a matrix product. */
  jointCounts?(conditions: Tensor): Tensor;
  /**
   * Sums over samples t of (w_tj (K_ij + sum_a b_ta L_ja R_ai))^2 with b_ta = 1 where condition a is positive, else 0: [q, r]. Only where it costs
   * less than the matrix product of L and the rows b_t * R.
   * @param conditions [n, h] @param weights w [n, r]; null for 1
   */
  gatedSquares?(conditions: Tensor, weights: Tensor | null, form: GatedForm): Tensor;
  /** Index of the largest entry of the last axis (first one on ties), as numbers. */
  argMax(a: Tensor): Promise<Int32Array>;

  reshape(a: Tensor, shape: readonly number[]): Tensor;
  transpose(a: Tensor, permutation: readonly number[]): Tensor;
  slice(a: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  /** Rows of `table` [n, ...] at `indices`: shape [indices.length, ...]. */
  gather(table: Tensor, indices: Int32Array): Tensor;
}
