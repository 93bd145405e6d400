/** @file Matrix products by the project's own SIMD kernels, in float32 and float64. */

import type { FloatArray } from "../engine";
import { GemmKernels } from "../kernels/gemmKernels";
import type { ProductPlan } from "../shapes";
import { strides, type MatrixProducts } from "./matrixProducts";

/** Operands of one kernel call are kept below this; larger products are cut into blocks. */
const defaultMaxBytes = 128 * 2 ** 20;

export class WasmProducts implements MatrixProducts {
  readonly description: string;
  readonly #kernels = new GemmKernels();

  /** @throws Error when WebAssembly SIMD is not available. */
  constructor(private readonly maxBytes = defaultMaxBytes) {
    this.description = `own SIMD kernels${this.#kernels.fused ? " with fused multiply-add" : ""}`;
  }

  multiply(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray): void {
    const { batch, m, n, k } = plan;
    const step = strides(plan);
    const bytesPerMatrix = (m * k + k * n + m * n) * out.BYTES_PER_ELEMENT;
    if (bytesPerMatrix > this.maxBytes) {
      for (let item = 0; item < batch; item++) this.#blocked(plan, a, item * step.aStep, b, item * step.bStep, out, item * m * n);
      return;
    }
    const together = Math.max(1, Math.min(batch, Math.floor(this.maxBytes / Math.max(1, bytesPerMatrix))));
    for (let item = 0; item < batch; item += together) this.#whole(plan, a, b, out, item, Math.min(together, batch - item));
  }

  /** Products `first` .. `first + count` with their operands copied in at once. */
  #whole(plan: ProductPlan, a: FloatArray, b: FloatArray, out: FloatArray, first: number, count: number): void {
    const { m, n, k } = plan;
    const { aRow, aCol, aStep, bRow, bCol, bStep } = strides(plan);
    const size = out.BYTES_PER_ELEMENT;
    const aLength = m * k * (aStep === 0 ? 1 : count);
    const bLength = k * n * (bStep === 0 ? 1 : count);
    const outLength = m * n * count;
    const same = a === b && aLength === bLength && aStep === bStep;
    const [pa, pOther, pc] = this.#kernels.reserve(aLength * size, same ? 0 : bLength * size, outLength * size);
    const pb = same ? pa : pOther;
    this.#view(out, pa, aLength).set(a.subarray(first * aStep, first * aStep + aLength));
    if (!same) this.#view(out, pb, bLength).set(b.subarray(first * bStep, first * bStep + bLength));
    const gemm = this.#gemm(out);
    for (let item = 0; item < count; item++) {
      gemm(m, n, k, 1, pa + item * aStep * size, aRow, aCol, pb + item * bStep * size, bRow, bCol, 0, pc + item * m * n * size, n, this.#kernels.work);
    }
    out.set(this.#view(out, pc, outLength), first * m * n);
  }

  /** One product in blocks: the largest of m, n, k is halved until the three blocks fit. */
  #blocked(plan: ProductPlan, a: FloatArray, aAt: number, b: FloatArray, bAt: number, out: FloatArray, outAt: number): void {
    const { m, n, k, transposeA, transposeB } = plan;
    const size = out.BYTES_PER_ELEMENT;
    let [mb, nb, kb] = [m, n, k];
    while ((mb * kb + kb * nb + mb * nb) * size > this.maxBytes && Math.max(mb, nb, kb) > 1) {
      if (mb >= nb && mb >= kb) mb = Math.ceil(mb / 2);
      else if (nb >= kb) nb = Math.ceil(nb / 2);
      else kb = Math.ceil(kb / 2);
    }
    const [pa, pb, pc] = this.#kernels.reserve(mb * kb * size, kb * nb * size, mb * nb * size);
    const viewA = this.#view(out, pa, mb * kb);
    const viewB = this.#view(out, pb, kb * nb);
    const viewC = this.#view(out, pc, mb * nb);
    const gemm = this.#gemm(out);
    for (let i = 0; i < m; i += mb) {
      const rows = Math.min(mb, m - i);
      for (let j = 0; j < n; j += nb) {
        const cols = Math.min(nb, n - j);
        for (let l = 0; l < k; l += kb) {
          const depth = Math.min(kb, k - l);
          if (transposeA) copyBlock(a, aAt + l * m + i, m, depth, rows, viewA);
          else copyBlock(a, aAt + i * k + l, k, rows, depth, viewA);
          if (transposeB) copyBlock(b, bAt + j * k + l, k, cols, depth, viewB);
          else copyBlock(b, bAt + l * n + j, n, depth, cols, viewB);
          gemm(
            rows, cols, depth, 1,
            pa, transposeA ? 1 : depth, transposeA ? rows : 1,
            pb, transposeB ? 1 : cols, transposeB ? depth : 1,
            l === 0 ? 0 : 1, pc, cols, this.#kernels.work,
          );
        }
        for (let row = 0; row < rows; row++) out.set(viewC.subarray(row * cols, (row + 1) * cols), outAt + (i + row) * n + j);
      }
    }
  }

  #gemm(out: FloatArray): GemmKernels["functions"]["sgemm"] {
    return out instanceof Float64Array ? this.#kernels.functions.dgemm : this.#kernels.functions.sgemm;
  }

  #view(like: FloatArray, address: number, length: number): FloatArray {
    return like instanceof Float64Array ? this.#kernels.float64(address, length) : this.#kernels.float32(address, length);
  }
}

/** Copies a rows x cols block that starts at `at` in a matrix with rows of `width` entries. */
function copyBlock(from: FloatArray, at: number, width: number, rows: number, cols: number, to: FloatArray): void {
  if (cols === width) {
    to.set(from.subarray(at, at + rows * cols));
    return;
  }
  for (let row = 0; row < rows; row++) to.set(from.subarray(at + row * width, at + row * width + cols), row * cols);
}
