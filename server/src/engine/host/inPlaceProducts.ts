/** @file Batches of small matrix products where their tensors lie, by a kernel of their own; all others by those that it is given. */

import type { FloatArray } from "../engine";
import { smallProductKernels, type SmallProductFunctions } from "../kernels/smallProductKernels";
import { strides, type MatrixProducts } from "../products/matrixProducts";
import type { ProductPlan } from "../shapes";
import type { Arena } from "./arena";

/** Multiply-adds of one product up to which packing and calls take longer than they save (docs/backends.md). */
const smallest = 16 ** 3;

export class InPlaceProducts implements MatrixProducts {
  readonly description: string;
  readonly #kernels: SmallProductFunctions;

  /** @throws Error when WebAssembly SIMD is not available. */
  constructor(private readonly arena: Arena, private readonly others: MatrixProducts) {
    this.description = others.description;
    this.#kernels = smallProductKernels(arena.memory);
  }

  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    const { batch, m, n, k } = plan;
    if (m * n * k > smallest || ![a, b, out].every((array) => this.arena.holds(array))) {
      this.others.multiply(plan, a, b, out);
      return;
    }
    const { aRow, aCol, aStep, bRow, bCol, bStep } = strides(plan);
    const multiply = out instanceof Float64Array ? this.#kernels.multiply64 : this.#kernels.multiply32;
    multiply(batch, m, n, k, a.byteOffset, aRow, aCol, aStep, b.byteOffset, bRow, bCol, bStep, out.byteOffset);
  }
}
