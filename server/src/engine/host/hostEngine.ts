/** @file Engine on typed arrays in this process, float32 or float64, with replaceable matrix products. */

import type { BackendName } from "../../protocol/result";
import type { ActivationName, Precision } from "../../protocol/spec";
import type { ActivationOptions, Engine, FloatArray, GatedForm, Tensor } from "../engine";
import type { MatrixProducts } from "../products/matrixProducts";
import { TensorScopes } from "../scopes";
import {
  broadcastShape, checkColumns, checkGather, checkLength, checkPermutation, checkSlice, lastAxis, pairCount, planBytes, planConcat, planGatedSquares, planJointSums, planMatMul, planSum, productShape, sizeOf,
  type MatMulOptions,
} from "../shapes";
import { plainArrays, type ArrayFunctions, type ArraySource } from "./arrayFunctions";
import { addTo } from "./addTo";
import type { BinaryName } from "./elementwise";
import { host, HostTensor, LateStorage } from "./hostTensor";
import { gather, runOf } from "./layout";
import { argMax } from "./reduce";

const defaultNegativeSlope = 0.01;

export class HostEngine implements Engine {
  readonly #source: ArraySource;
  readonly #scopes: TensorScopes<HostTensor>;
  readonly description: string;

  /** Products and costly functions can be replaced by faster ones; `missing` says why the fastest products are not, for the description. */
  constructor(
    readonly backend: BackendName,
    readonly precision: Precision,
    private readonly products: MatrixProducts,
    private readonly arrays: ArrayFunctions = plainArrays,
    missing: string | null = null,
  ) {
    this.description = `matrix products by ${products.description}, ${precision}${missing === null ? "" : ` (${missing})`}`;
    this.#source = arrays.source(precision);
    this.#scopes = new TensorScopes((value): value is HostTensor => value instanceof HostTensor, (tensor) => this.dispose(tensor));
  }

  tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor {
    checkLength("tensor", values.length, shape);
    return this.#make(shape, (out) => out.set(values));
  }

  tensorOfBytes(bytes: Uint8Array, width: number, meaning: Float32Array): Tensor {
    const shape = planBytes(bytes.length, width, meaning.length);
    // A pass over kept activations of later layers needs none of these numbers.
    const storage = new LateStorage({ bytes, width, meaning }, (rows) => {
      const data = this.#source.take((rows.bytes.length / width) * (width + 1));
      this.arrays.byteRows(rows, data);
      return data;
    });
    return this.#scopes.track(new HostTensor([...shape], storage));
  }

  read(tensor: Tensor): Promise<FloatArray> {
    return Promise.resolve(host(tensor).data.slice());
  }

  addTo(target: Float64Array, tensor: Tensor, factor = 1): Promise<void> {
    addTo(target, host(tensor).data, factor);
    return Promise.resolve();
  }

  readColumns(x: Tensor, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): Promise<void> {
    checkColumns(x.shape, shift.length);
    this.arrays.forEachColumns(host(x).data, shift, rows, body);
    return Promise.resolve();
  }

  tidy<T>(body: () => T): T {
    return this.#scopes.tidy(body);
  }

  dispose(...tensors: Tensor[]): void {
    for (const tensor of tensors) {
      const own = host(tensor);
      if (own.storage === null) continue;
      own.storage.users--;
      if (own.storage.users === 0 && own.storage.isWritten) this.#source.give(own.storage.data);
      own.storage = null;
    }
  }

  matMul(a: Tensor, b: Tensor, options?: MatMulOptions): Tensor {
    const { plan, shape } = planMatMul(a.shape, b.shape, options);
    return this.#make(shape, (out) => {
      if (out.length === 0) return;
      const rows = plan.sharedB && !plan.transposeA && !plan.transposeB ? host(a).unwritten?.rows : undefined;
      if (plan.k === 0) out.fill(0);
      else if (rows?.width === plan.k - 1 && this.arrays.byteProduct(rows, host(b).data, plan.n, out)) return;
      else this.products.multiply(plan, host(a).data, host(b).data, out);
    });
  }

  add(a: Tensor, b: Tensor): Tensor { return this.#binary("add", a, b); }
  sub(a: Tensor, b: Tensor): Tensor { return this.#binary("sub", a, b); }
  mul(a: Tensor, b: Tensor): Tensor { return this.#binary("mul", a, b); }
  div(a: Tensor, b: Tensor): Tensor { return this.#binary("div", a, b); }

  addProduct(sum: Tensor, a: Tensor, b: Tensor): Tensor {
    const shape = productShape(sum.shape, a.shape, b.shape);
    return this.#make(shape, (out) => this.arrays.addProduct(host(sum).data, host(a).data, a.shape, host(b).data, b.shape, out, shape));
  }

  affine(a: Tensor, factor: number, offset = 0): Tensor {
    return this.#make(a.shape, (out) => this.arrays.affine(host(a).data, factor, offset, out));
  }

  square(a: Tensor): Tensor { return this.#make(a.shape, (out) => this.arrays.square(host(a).data, out)); }
  sqrt(a: Tensor): Tensor { return this.#make(a.shape, (out) => this.arrays.sqrt(host(a).data, out)); }
  exp(a: Tensor): Tensor { return this.#make(a.shape, (out) => this.arrays.exp(host(a).data, out)); }
  maximum(a: Tensor, floor: number): Tensor { return this.#make(a.shape, (out) => this.arrays.maximum(host(a).data, floor, out)); }

  activation(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, (out) => this.arrays.activate(name, host(a).data, options.negativeSlope ?? defaultNegativeSlope, out));
  }

  activationDerivative(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, (out) => this.arrays.activateDerivative(name, host(a).data, options.negativeSlope ?? defaultNegativeSlope, out));
  }

  softmax(a: Tensor): Tensor {
    const width = lastAxis("softmax", a.shape);
    return this.#make(a.shape, (out) => this.arrays.softmax(host(a).data, width, out));
  }

  sum(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const plan = planSum(a.shape, axes, keepDims);
    return this.#make(plan.shape, (out) => this.arrays.sum(host(a).data, a.shape, plan.axes, false, out));
  }

  sumOfSquares(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const plan = planSum(a.shape, axes, keepDims);
    return this.#make(plan.shape, (out) => this.arrays.sum(host(a).data, a.shape, plan.axes, true, out));
  }

  jointSums(values: Tensor, conditions: Tensor): Tensor {
    const { width, count } = planJointSums(values.shape, conditions.shape);
    return this.#make([pairCount(count), width], (out) => this.arrays.jointSums(host(values).data, width, host(conditions).data, count, out));
  }

  jointCounts(conditions: Tensor): Tensor {
    const { count } = planJointSums(conditions.shape, conditions.shape);
    return this.#make([pairCount(count)], (out) => this.arrays.jointCounts(host(conditions).data, count, out));
  }

  gatedSquares(conditions: Tensor, weights: Tensor | null, { into, outOf, constant }: GatedForm): Tensor {
    const sizes = planGatedSquares(conditions.shape, weights && weights.shape, into.shape, outOf.shape, constant.shape);
    const arrays = {
      conditions: host(conditions).data, weights: weights && host(weights).data, into: host(into).data, outOf: host(outOf).data, constant: host(constant).data,
    };
    return this.#make(constant.shape, (out) => this.arrays.gatedSquares(arrays, sizes, out));
  }

  argMax(a: Tensor): Promise<Int32Array> {
    const width = lastAxis("argMax", a.shape);
    return Promise.resolve(argMax(host(a).data, width, sizeOf(a.shape.slice(0, -1))));
  }

  reshape(a: Tensor, shape: readonly number[]): Tensor {
    checkLength("reshape", a.size, shape);
    return this.#sharing(host(a), shape, 0);
  }

  transpose(a: Tensor, permutation: readonly number[]): Tensor {
    checkPermutation(a.shape, permutation);
    const shape = permutation.map((axis) => a.shape[axis]);
    return this.#make(shape, (out) => this.arrays.transpose(host(a).data, a.shape, permutation, out));
  }

  slice(a: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    checkSlice(a.shape, begin, size);
    const run = runOf(a.shape, begin, size);
    if (run !== null) return this.#sharing(host(a), size, run);
    return this.#make(size, (out) => this.arrays.slice(host(a).data, a.shape, begin, size, out));
  }

  concat(tensors: readonly Tensor[], axis: number): Tensor {
    const shapes = tensors.map((tensor) => tensor.shape);
    const plan = planConcat(shapes, axis);
    return this.#make(plan.shape, (out) => this.arrays.concat(tensors.map((tensor) => host(tensor).data), shapes, plan.axis, out));
  }

  gather(table: Tensor, indices: Int32Array): Tensor {
    checkGather(table.shape, indices);
    const rest = table.shape.slice(1);
    return this.#make([indices.length, ...rest], (out) => gather(host(table).data, sizeOf(rest), indices, out));
  }

  #binary(name: BinaryName, a: Tensor, b: Tensor): Tensor {
    const shape = broadcastShape(name, a.shape, b.shape);
    return this.#make(shape, (out) => this.arrays.binary(name, host(a).data, a.shape, host(b).data, b.shape, out, shape));
  }

  /** A tensor over entries of another, from `start` on. */
  #sharing(tensor: HostTensor, shape: readonly number[], start: number): HostTensor {
    const length = sizeOf(shape);
    const rows = length === tensor.size ? null : tensor.unwritten?.part(start, length) ?? null;
    if (rows !== null) return this.#scopes.track(new HostTensor([...shape], rows));
    const part = length === tensor.size ? tensor.part : tensor.data.subarray(start, start + length);
    const storage = tensor.held;
    storage.users++;
    return this.#scopes.track(new HostTensor([...shape], storage, part));
  }

  /** A new tensor whose entries `fill` writes, all of them. */
  #make(shape: readonly number[], fill: (out: FloatArray) => void): HostTensor {
    const data = this.#source.take(sizeOf(shape));
    fill(data);
    return this.#scopes.track(new HostTensor([...shape], { data, isWritten: true, users: 1 }));
  }
}
