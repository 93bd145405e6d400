/**
 * @file TensorFlow operations in float64, called by name through tfjs-node's binding: tfjs itself knows no double. Doubles cross
 * the binding as pairs of int32 and are reinterpreted by TensorFlow (Bitcast), so every bit survives.
 */

import type { ElementwiseOperations } from "../activationFormulas";
import type { OpAttribute, TensorflowBinding } from "./binding";

/** Types of TF_DataType. */
const double = 2;
const int32 = 3;
const bool = 10;

/** A tensor inside TensorFlow. */
export type Handle = number;

/** Runs operations and remembers their results, so that all but the last can be freed together. */
export class RawOperations implements ElementwiseOperations<Handle> {
  #made: Handle[] = [];

  constructor(private readonly binding: TensorflowBinding) {}

  /** Runs `body`; every tensor made in it is freed except its result. */
  keepResult(body: () => Handle): Handle {
    const outer = this.#made;
    this.#made = [];
    let result: Handle | null = null;
    try {
      result = body();
      return result;
    } finally {
      for (const handle of this.#made) if (handle !== result) this.free(handle);
      this.#made = outer;
    }
  }

  free(handle: Handle): void {
    this.binding.deleteTensor(handle);
  }

  /** Copies `values` into TensorFlow. */
  doubles(values: Float64Array, shape: readonly number[]): Handle {
    const pairs = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
    const id = this.binding.createTensor([...shape, 2], this.binding.TF_INT32, pairs);
    this.#made.push(id);
    return this.run("Bitcast", [id], [this.#type("T", int32), this.#type("type", double)]);
  }

  read(handle: Handle): Float64Array {
    const [pairs] = this.binding.executeOp("Bitcast", [this.#type("T", double), this.#type("type", int32)], [handle], 1);
    const data = this.binding.tensorDataSync(pairs.id) as Int32Array;
    this.free(pairs.id);
    return new Float64Array(data.slice().buffer);
  }

  readIntegers(handle: Handle): Int32Array {
    return (this.binding.tensorDataSync(handle) as Int32Array).slice();
  }

  integers(values: ArrayLike<number>, shape: readonly number[] = [values.length]): Handle {
    const id = this.binding.createTensor([...shape], this.binding.TF_INT32, Int32Array.from(values));
    this.#made.push(id);
    return id;
  }

  run(name: string, inputs: Handle[], attributes: OpAttribute[]): Handle {
    const [output] = this.binding.executeOp(name, attributes, inputs, 1);
    this.#made.push(output.id);
    return output.id;
  }

  /** An operation whose only attribute is the type of its numbers. */
  plain(name: string, ...inputs: Handle[]): Handle {
    return this.run(name, inputs, [this.#type("T", double)]);
  }

  matMul(a: Handle, b: Handle, transposeA: boolean, transposeB: boolean): Handle {
    return this.run("BatchMatMulV2", [a, b], [this.#type("T", double), this.#flag("adj_x", transposeA), this.#flag("adj_y", transposeB)]);
  }

  sum(x: Handle, axes: readonly number[], keepDims: boolean): Handle {
    return this.run("Sum", [x, this.integers(axes)], [this.#type("T", double), this.#type("Tidx", int32), this.#flag("keep_dims", keepDims)]);
  }

  argMax(x: Handle, axis: number): Handle {
    return this.run("ArgMax", [x, this.integers([axis], [])], [this.#type("T", double), this.#type("Tidx", int32), this.#type("output_type", int32)]);
  }

  reshape(x: Handle, shape: readonly number[]): Handle {
    return this.run("Reshape", [x, this.integers(shape)], [this.#type("T", double), this.#type("Tshape", int32)]);
  }

  transpose(x: Handle, permutation: readonly number[]): Handle {
    return this.run("Transpose", [x, this.integers(permutation)], [this.#type("T", double), this.#type("Tperm", int32)]);
  }

  slice(x: Handle, begin: readonly number[], size: readonly number[]): Handle {
    return this.run("Slice", [x, this.integers(begin), this.integers(size)], [this.#type("T", double), this.#type("Index", int32)]);
  }

  concat(parts: Handle[], axis: number): Handle {
    const count = { name: "N", type: this.binding.TF_ATTR_INT, value: parts.length };
    return this.run("ConcatV2", [...parts, this.integers([axis], [])], [count, this.#type("T", double), this.#type("Tidx", int32)]);
  }

  gather(table: Handle, indices: Int32Array): Handle {
    const types = [this.#type("Tparams", double), this.#type("Tindices", int32), this.#type("Taxis", int32)];
    return this.run("GatherV2", [table, this.integers(indices), this.integers([0], [])], types);
  }

  scalar(value: number): Handle { return this.doubles(Float64Array.of(value), []); }

  copy(x: Handle): Handle { return this.plain("Identity", x); }
  affine(x: Handle, factor: number, offset: number): Handle {
    const scaled = this.plain("Mul", x, this.scalar(factor));
    return offset === 0 ? scaled : this.plain("AddV2", scaled, this.scalar(offset));
  }
  add(a: Handle, b: Handle): Handle { return this.plain("AddV2", a, b); }
  mul(a: Handle, b: Handle): Handle { return this.plain("Mul", a, b); }
  square(x: Handle): Handle { return this.plain("Square", x); }
  exp(x: Handle): Handle { return this.plain("Exp", x); }
  tanh(x: Handle): Handle { return this.plain("Tanh", x); }
  sigmoid(x: Handle): Handle { return this.plain("Sigmoid", x); }
  erf(x: Handle): Handle { return this.plain("Erf", x); }
  relu(x: Handle): Handle { return this.plain("Relu", x); }
  positive(x: Handle): Handle {
    const greater = this.plain("Greater", x, this.scalar(0));
    return this.run("Cast", [greater], [this.#type("SrcT", bool), this.#type("DstT", double), this.#flag("Truncate", false)]);
  }

  #type(name: string, value: number): OpAttribute { return { name, type: this.binding.TF_ATTR_TYPE, value }; }
  #flag(name: string, value: boolean): OpAttribute { return { name, type: this.binding.TF_ATTR_BOOL, value }; }
}
