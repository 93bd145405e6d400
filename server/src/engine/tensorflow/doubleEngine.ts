/** @file Engine in float64 on TensorFlow's own operations (rawOperations.ts). */

import type { ActivationName } from "../../protocol/spec";
import { activate, activateDerivative } from "../activationFormulas";
import type { ActivationOptions, Engine, FloatArray, Tensor } from "../engine";
import { forEachColumns } from "../host/columns";
import { TensorScopes } from "../scopes";
import {
  broadcastShape, checkColumns, checkGather, checkLength, checkPermutation, checkSlice, lastAxis, planConcat, planMatMul, planSum, showShape, sizeOf,
  type MatMulOptions,
} from "../shapes";
import type { TensorflowBinding } from "./binding";
import { RawOperations, type Handle } from "./rawOperations";

const defaultNegativeSlope = 0.01;

class DoubleTensor implements Tensor {
  readonly size: number;
  /** null once disposed, and for a tensor without entries "empty". */
  handle: Handle | "empty" | null;

  constructor(readonly shape: readonly number[], handle: Handle | "empty") {
    this.size = sizeOf(shape);
    this.handle = handle;
  }
}

export class TensorflowDoubleEngine implements Engine {
  readonly backend = "tensorflow";
  readonly precision = "float64";
  readonly #ops: RawOperations;
  readonly #scopes = new TensorScopes<DoubleTensor>((value): value is DoubleTensor => value instanceof DoubleTensor, (tensor) => this.dispose(tensor));

  constructor(binding: TensorflowBinding, readonly description: string) {
    this.#ops = new RawOperations(binding);
  }

  tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor {
    checkLength("tensor", values.length, shape);
    return this.#make(shape, () => this.#ops.doubles(Float64Array.from(values), shape));
  }

  read(tensor: Tensor): Promise<FloatArray> {
    if (tensor.size === 0) return Promise.resolve(new Float64Array(0));
    return Promise.resolve(this.#ops.read(this.#raw(tensor)));
  }

  async readColumns(x: Tensor, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): Promise<void> {
    checkColumns(x.shape, shift.length);
    forEachColumns(await this.read(x), shift, rows, body);
  }

  tidy<T>(body: () => T): T {
    return this.#scopes.tidy(body);
  }

  dispose(...tensors: Tensor[]): void {
    for (const tensor of tensors) {
      const own = this.#own(tensor);
      if (typeof own.handle === "number") this.#ops.free(own.handle);
      own.handle = null;
    }
  }

  matMul(a: Tensor, b: Tensor, options?: MatMulOptions): Tensor {
    const { plan, shape } = planMatMul(a.shape, b.shape, options);
    const { batch, m, n, k, transposeA, transposeB } = plan;
    return this.#make(shape, () => {
      if (k === 0) return this.#zeros(shape);
      const stack = (tensor: Tensor, shared: boolean, rows: number, cols: number): Handle => this.#ops.reshape(this.#raw(tensor), [shared ? 1 : batch, rows, cols]);
      const left = stack(a, plan.sharedA, transposeA ? k : m, transposeA ? m : k);
      const right = stack(b, plan.sharedB, transposeB ? n : k, transposeB ? k : n);
      return this.#ops.reshape(this.#ops.matMul(left, right, transposeA, transposeB), shape);
    });
  }

  add(a: Tensor, b: Tensor): Tensor { return this.#binary("add", "AddV2", a, b); }
  sub(a: Tensor, b: Tensor): Tensor { return this.#binary("sub", "Sub", a, b); }
  mul(a: Tensor, b: Tensor): Tensor { return this.#binary("mul", "Mul", a, b); }
  div(a: Tensor, b: Tensor): Tensor { return this.#binary("div", "RealDiv", a, b); }

  affine(a: Tensor, factor: number, offset = 0): Tensor { return this.#make(a.shape, () => this.#ops.affine(this.#raw(a), factor, offset)); }
  square(a: Tensor): Tensor { return this.#make(a.shape, () => this.#ops.square(this.#raw(a))); }
  sqrt(a: Tensor): Tensor { return this.#make(a.shape, () => this.#ops.plain("Sqrt", this.#raw(a))); }
  exp(a: Tensor): Tensor { return this.#make(a.shape, () => this.#ops.exp(this.#raw(a))); }
  maximum(a: Tensor, floor: number): Tensor {
    return this.#make(a.shape, () => this.#ops.plain("Maximum", this.#raw(a), this.#ops.scalar(floor)));
  }

  activation(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, () => activate(this.#ops, name, this.#raw(a), options.negativeSlope ?? defaultNegativeSlope));
  }

  activationDerivative(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, () => activateDerivative(this.#ops, name, this.#raw(a), options.negativeSlope ?? defaultNegativeSlope));
  }

  softmax(a: Tensor): Tensor {
    const width = lastAxis("softmax", a.shape);
    return this.#make(a.shape, () => {
      const rows = this.#ops.reshape(this.#raw(a), [a.size / width, width]);
      return this.#ops.reshape(this.#ops.plain("Softmax", rows), a.shape);
    });
  }

  sum(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const plan = planSum(a.shape, axes, keepDims);
    return this.#make(plan.shape, () => (a.size === 0 ? this.#zeros(plan.shape) : this.#ops.sum(this.#raw(a), plan.axes, keepDims)));
  }

  sumOfSquares(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    return this.tidy(() => this.sum(this.square(a), axes, keepDims));
  }

  argMax(a: Tensor): Promise<Int32Array> {
    const width = lastAxis("argMax", a.shape);
    const rows = sizeOf(a.shape.slice(0, -1));
    if (a.size === 0) return Promise.resolve(new Int32Array(rows));
    const indices = this.#ops.keepResult(() => this.#ops.argMax(this.#ops.reshape(this.#raw(a), [rows, width]), 1));
    const values = this.#ops.readIntegers(indices);
    this.#ops.free(indices);
    return Promise.resolve(values);
  }

  reshape(a: Tensor, shape: readonly number[]): Tensor {
    checkLength("reshape", a.size, shape);
    return this.#make(shape, () => this.#ops.reshape(this.#raw(a), shape));
  }

  transpose(a: Tensor, permutation: readonly number[]): Tensor {
    checkPermutation(a.shape, permutation);
    return this.#make(permutation.map((axis) => a.shape[axis]), () => this.#ops.transpose(this.#raw(a), permutation));
  }

  slice(a: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    checkSlice(a.shape, begin, size);
    return this.#make(size, () => this.#ops.slice(this.#raw(a), begin, size));
  }

  concat(tensors: readonly Tensor[], axis: number): Tensor {
    const plan = planConcat(tensors.map((tensor) => tensor.shape), axis);
    return this.#make(plan.shape, () => {
      const filled = tensors.filter((tensor) => tensor.size > 0).map((tensor) => this.#raw(tensor));
      return filled.length === 1 ? this.#ops.copy(filled[0]) : this.#ops.concat(filled, plan.axis);
    });
  }

  gather(table: Tensor, indices: Int32Array): Tensor {
    checkGather(table.shape, indices);
    return this.#make([indices.length, ...table.shape.slice(1)], () => this.#ops.gather(this.#raw(table), indices));
  }

  #binary(name: string, operation: string, a: Tensor, b: Tensor): Tensor {
    return this.#make(broadcastShape(name, a.shape, b.shape), () => this.#ops.plain(operation, this.#raw(a), this.#raw(b)));
  }

  #zeros(shape: readonly number[]): Handle {
    return this.#ops.doubles(new Float64Array(sizeOf(shape)), shape);
  }

  /** TensorFlow never sees a tensor without entries. */
  #make(shape: readonly number[], body: () => Handle): DoubleTensor {
    const handle = sizeOf(shape) === 0 ? "empty" : this.#ops.keepResult(body);
    return this.#scopes.track(new DoubleTensor([...shape], handle));
  }

  #own(tensor: Tensor): DoubleTensor {
    if (!(tensor instanceof DoubleTensor)) throw new TypeError("A tensor of another engine was given to the TensorFlow engine.");
    return tensor;
  }

  #raw(tensor: Tensor): Handle {
    const { handle } = this.#own(tensor);
    if (typeof handle !== "number") throw new Error(`A tensor of shape ${showShape(tensor.shape)} is used after it was disposed.`);
    return handle;
  }
}
