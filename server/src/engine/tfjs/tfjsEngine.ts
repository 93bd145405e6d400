/** @file Engine in float32 on a tfjs backend: tensorflow (tfjs-node), webgpu, or, in tests, tfjs' own cpu and wasm backends. */

import * as tf from "@tensorflow/tfjs-core";
import type { BackendName } from "../../protocol/result";
import type { ActivationName } from "../../protocol/spec";
import { activate, activateDerivative } from "../activationFormulas";
import { BackendFailure } from "../backendFailure";
import type { ActivationOptions, Engine, FloatArray, Tensor } from "../engine";
import { addTo } from "../host/addTo";
import { byteRows } from "../host/byteRows";
import { forEachColumns } from "../host/columns";
import { TensorScopes } from "../scopes";
import {
  broadcastShape, checkColumns, checkGather, checkLength, checkPermutation, checkSlice, lastAxis, planBytes, planConcat, planMatMul, planSum, productShape, showShape, sizeOf,
  type MatMulOptions,
} from "../shapes";
import { tfjsOperations } from "./operations";
import { raw, TfjsTensor } from "./tfjsTensor";

const bytesPerEntry = 4;
const defaultNegativeSlope = 0.01;

/** What the engine must know about the backend it runs on. */
export interface TfjsBackend {
  /** Name under which the backend is registered with tfjs. */
  readonly registeredName: string;
  readonly backend: BackendName;
  readonly description: string;
  /** Largest tensor in bytes; Infinity where only memory limits it. */
  readonly maxTensorBytes: number;
  /** What broke the backend since it was started, in one sentence; null while it works. */
  failure(): string | null;
}

export class TfjsEngine implements Engine {
  readonly backend: BackendName;
  readonly precision = "float32";
  readonly description: string;
  readonly #scopes = new TensorScopes<TfjsTensor>((value): value is TfjsTensor => value instanceof TfjsTensor, (tensor) => tensor.dispose());

  constructor(private readonly host: TfjsBackend) {
    this.backend = host.backend;
    this.description = `${host.description}, float32`;
  }

  tensor(values: ArrayLike<number>, shape: readonly number[]): Tensor {
    checkLength("tensor", values.length, shape);
    return this.#make(shape, () => tf.tensor(new Float32Array(values), [...shape], "float32"));
  }

  tensorOfBytes(bytes: Uint8Array, width: number, meaning: Float32Array): Tensor {
    const shape = planBytes(bytes.length, width, meaning.length);
    const rows = new Float32Array(sizeOf(shape));
    byteRows({ bytes, width, meaning }, rows);
    return this.#make(shape, () => tf.tensor(rows, [...shape], "float32"));
  }

  async read(tensor: Tensor): Promise<FloatArray> {
    const source = raw(tensor);
    if (tensor.size === 0) return new Float32Array(0);
    this.#activate();
    const values = await source.data();
    this.#checkHealth();
    // The reference backend hands out its own array.
    return new Float32Array(values);
  }

  async addTo(target: Float64Array, tensor: Tensor, factor = 1): Promise<void> {
    addTo(target, await this.read(tensor), factor);
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
      if (!(tensor instanceof TfjsTensor)) throw new TypeError("A tensor of another engine was given to the tfjs engine.");
      tensor.dispose();
    }
  }

  matMul(a: Tensor, b: Tensor, options?: MatMulOptions): Tensor {
    const { plan, shape } = planMatMul(a.shape, b.shape, options);
    const { batch, m, n, k, transposeA, transposeB } = plan;
    return this.#make(shape, () => {
      if (k === 0) return tf.zeros([...shape]);
      const stack = (tensor: tf.Tensor, shared: boolean, rows: number, cols: number): tf.Tensor => tf.reshape(tensor, [shared ? 1 : batch, rows, cols]);
      const left = stack(raw(a), plan.sharedA, transposeA ? k : m, transposeA ? m : k);
      const right = stack(raw(b), plan.sharedB, transposeB ? n : k, transposeB ? k : n);
      return tf.reshape(tf.matMul(left, right, transposeA, transposeB), [...shape]);
    });
  }

  add(a: Tensor, b: Tensor): Tensor { return this.#make(broadcastShape("add", a.shape, b.shape), () => tf.add(raw(a), raw(b))); }
  sub(a: Tensor, b: Tensor): Tensor { return this.#make(broadcastShape("sub", a.shape, b.shape), () => tf.sub(raw(a), raw(b))); }
  mul(a: Tensor, b: Tensor): Tensor { return this.#make(broadcastShape("mul", a.shape, b.shape), () => tf.mul(raw(a), raw(b))); }
  div(a: Tensor, b: Tensor): Tensor { return this.#make(broadcastShape("div", a.shape, b.shape), () => tf.div(raw(a), raw(b))); }

  addProduct(sum: Tensor, a: Tensor, b: Tensor): Tensor {
    return this.#make(productShape(sum.shape, a.shape, b.shape), () => tf.add(raw(sum), tf.mul(raw(a), raw(b))));
  }

  affine(a: Tensor, factor: number, offset = 0): Tensor {
    return this.#make(a.shape, () => tfjsOperations.affine(raw(a), factor, offset));
  }

  square(a: Tensor): Tensor { return this.#make(a.shape, () => tf.square(raw(a))); }
  sqrt(a: Tensor): Tensor { return this.#make(a.shape, () => tf.sqrt(raw(a))); }
  exp(a: Tensor): Tensor { return this.#make(a.shape, () => tf.exp(raw(a))); }
  maximum(a: Tensor, floor: number): Tensor { return this.#make(a.shape, () => tf.maximum(raw(a), tf.scalar(floor))); }

  activation(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, () => activate(tfjsOperations, name, raw(a), options.negativeSlope ?? defaultNegativeSlope));
  }

  activationDerivative(name: ActivationName, a: Tensor, options: ActivationOptions = {}): Tensor {
    return this.#make(a.shape, () => activateDerivative(tfjsOperations, name, raw(a), options.negativeSlope ?? defaultNegativeSlope));
  }

  softmax(a: Tensor): Tensor {
    lastAxis("softmax", a.shape);
    return this.#make(a.shape, () => tf.softmax(raw(a)));
  }

  sum(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    const plan = planSum(a.shape, axes, keepDims);
    return this.#make(plan.shape, () => {
      if (a.size === 0) return tf.zeros(plan.shape);
      return plan.axes.length === 0 ? tf.clone(raw(a)) : tf.sum(raw(a), plan.axes, keepDims);
    });
  }

  sumOfSquares(a: Tensor, axes: readonly number[], keepDims = false): Tensor {
    return this.tidy(() => this.sum(this.square(a), axes, keepDims));
  }

  async argMax(a: Tensor): Promise<Int32Array> {
    const width = lastAxis("argMax", a.shape);
    const rows = sizeOf(a.shape.slice(0, -1));
    if (a.size === 0) return new Int32Array(rows);
    this.#activate();
    const indices = tf.tidy(() => tf.argMax(tf.reshape(raw(a), [rows, width]), 1));
    try {
      return new Int32Array(await indices.data());
    } finally {
      indices.dispose();
      this.#checkHealth();
    }
  }

  reshape(a: Tensor, shape: readonly number[]): Tensor {
    checkLength("reshape", a.size, shape);
    return this.#make(shape, () => tf.reshape(raw(a), [...shape]));
  }

  transpose(a: Tensor, permutation: readonly number[]): Tensor {
    checkPermutation(a.shape, permutation);
    return this.#make(permutation.map((axis) => a.shape[axis]), () => tf.transpose(raw(a), [...permutation]));
  }

  slice(a: Tensor, begin: readonly number[], size: readonly number[]): Tensor {
    checkSlice(a.shape, begin, size);
    return this.#make(size, () => (size.length === 0 ? tf.clone(raw(a)) : tf.slice(raw(a), [...begin], [...size])));
  }

  concat(tensors: readonly Tensor[], axis: number): Tensor {
    const plan = planConcat(tensors.map((tensor) => tensor.shape), axis);
    return this.#make(plan.shape, () => {
      const filled = tensors.filter((tensor) => tensor.size > 0).map(raw);
      return filled.length === 1 ? tf.clone(filled[0]) : tf.concat(filled, plan.axis);
    });
  }

  gather(table: Tensor, indices: Int32Array): Tensor {
    checkGather(table.shape, indices);
    return this.#make([indices.length, ...table.shape.slice(1)], () => tf.gather(raw(table), tf.tensor1d(indices, "int32")));
  }

  /** Runs `body` on this engine's backend and keeps its result; kernels never see a tensor without entries. */
  #make(shape: readonly number[], body: () => tf.Tensor): TfjsTensor {
    this.#checkHealth();
    const bytes = sizeOf(shape) * bytesPerEntry;
    if (bytes > this.host.maxTensorBytes) {
      throw new BackendFailure(this.backend, `A tensor of shape ${showShape(shape)} needs ${megabytes(bytes)}, but ${this.host.description} holds at most `
        + `${megabytes(this.host.maxTensorBytes)} in one piece: choose a smaller batchSize or maxMemory, or --backend wasm.`);
    }
    this.#activate();
    const tensor = bytes === 0 ? tf.tensor(new Float32Array(0), [...shape], "float32") : tf.tidy(body);
    return this.#scopes.track(new TfjsTensor(tensor));
  }

  /** tfjs has one current backend per process; engines in the same process take turns. */
  #activate(): void {
    if (tf.getBackend() !== this.host.registeredName) void tf.setBackend(this.host.registeredName);
  }

  #checkHealth(): void {
    const failure = this.host.failure();
    if (failure !== null) throw new BackendFailure(this.backend, failure);
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MB`;
}
