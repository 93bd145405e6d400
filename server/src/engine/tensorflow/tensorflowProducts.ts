/**
 * @file Matrix products by TensorFlow on the processor, called by name through tfjs-node's binding. On a processor TensorFlow's share is its
 * products: a call of tfjs costs some 20 microseconds, which the thousands of small operations of an analysis would feel, so those stay in
 * the host engine.
 */

import type { FloatArray } from "../engine";
import type { MatrixProducts } from "../products/matrixProducts";
import type { ProductPlan } from "../shapes";
import type { OpAttribute, TensorflowBinding } from "./binding";

/** Multiply-adds from which the call and the copies are worth it. */
const defaultThreshold = 96 ** 3;

/** Type of float64 numbers among the TF_DataType. tfjs knows no such type: they cross the binding as pairs of int32. */
const double = 2;

type Handle = number;

export class TensorflowProducts implements MatrixProducts {
  readonly description: string;

  /** @param small multiplies what is too small to be worth the call @param threshold multiply-adds of all products together */
  constructor(
    private readonly binding: TensorflowBinding, private readonly small: MatrixProducts, description: string, private readonly threshold = defaultThreshold,
  ) {
    this.description = `${description}, small ones by ${small.description}`;
  }

  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    if (plan.batch * plan.m * plan.n * plan.k < this.threshold) {
      this.small.multiply(plan, a, b, out);
      return;
    }
    const { batch, m, n, k, transposeA, transposeB } = plan;
    const type = out instanceof Float64Array ? double : this.binding.TF_FLOAT;
    const stack = (values: FloatArray, shared: boolean, rows: number, cols: number): Handle => this.#copyIn(values, batch === 1 ? [rows, cols] : [shared ? 1 : batch, rows, cols]);
    const made = [stack(a, plan.sharedA, transposeA ? k : m, transposeA ? m : k)];
    try {
      made.push(stack(b, plan.sharedB, transposeB ? n : k, transposeB ? k : n));
      const [name, left, right] = batch === 1 ? ["MatMul", "transpose_a", "transpose_b"] : ["BatchMatMulV2", "adj_x", "adj_y"];
      made.push(this.#run(name, made.slice(0, 2), [this.#type("T", type), this.#flag(left, transposeA), this.#flag(right, transposeB)]));
      this.#copyOut(made[2], out);
    } finally {
      made.forEach((handle) => this.binding.deleteTensor(handle));
    }
  }

  #copyIn(values: FloatArray, shape: number[]): Handle {
    if (values instanceof Float32Array) return this.binding.createTensor(shape, this.binding.TF_FLOAT, values);
    const pairs = this.binding.createTensor([...shape, 2], this.binding.TF_INT32, new Int32Array(values.buffer, values.byteOffset, 2 * values.length));
    try {
      // Reinterpreted by TensorFlow, so that every bit survives.
      return this.#run("Bitcast", [pairs], [this.#type("T", this.binding.TF_INT32), this.#type("type", double)]);
    } finally {
      this.binding.deleteTensor(pairs);
    }
  }

  #copyOut(handle: Handle, out: FloatArray): void {
    if (out instanceof Float32Array) {
      out.set(this.binding.tensorDataSync(handle));
      return;
    }
    const pairs = this.#run("Bitcast", [handle], [this.#type("T", double), this.#type("type", this.binding.TF_INT32)]);
    try {
      new Int32Array(out.buffer, out.byteOffset, 2 * out.length).set(this.binding.tensorDataSync(pairs));
    } finally {
      this.binding.deleteTensor(pairs);
    }
  }

  #run(name: string, inputs: Handle[], attributes: OpAttribute[]): Handle {
    return this.binding.executeOp(name, attributes, inputs, 1)[0].id;
  }

  #type(name: string, value: number): OpAttribute { return { name, type: this.binding.TF_ATTR_TYPE, value }; }
  #flag(name: string, value: boolean): OpAttribute { return { name, type: this.binding.TF_ATTR_BOOL, value }; }
}
