/** @file Small products in place against plain loops: every orientation, shared operands, shapes around the width of vectors. */

import { describe, expect, it } from "vitest";
import type { FloatArray } from "../../../server/src/engine/engine";
import { wasmArrays } from "../../../server/src/engine/host/wasmArrays";
import type { MatrixProducts } from "../../../server/src/engine/products/matrixProducts";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";
import { gaussian } from "../../core/support/networks";

const refused: MatrixProducts = { description: "none", multiply: () => { throw new Error("not in place"); } };
const shapes = [[70, 1, 1, 1], [40, 1, 3, 33], [30, 3, 33, 3], [20, 32, 33, 3], [50, 2, 5, 7], [64, 7, 16, 4], [9, 5, 17, 35], [3, 16, 16, 16], [33, 2, 2, 2]] as const;

describe.each(["float32", "float64"] as const)("small products in %s", (precision) => {
  const arrays = wasmArrays();
  const source = arrays.source(precision);
  const products = arrays.products(refused);
  const next = gaussian(8);
  const random = (length: number): FloatArray => {
    // Shorter arrays lie elsewhere.
    const array = source.take(Math.max(64, length)).subarray(0, length);
    array.forEach((_, at) => (array[at] = next()));
    return array;
  };

  it.each(shapes)("%i products of %i x %i over %i", (batch, m, n, k) => {
    for (const [transposeA, transposeB, sharedA, sharedB] of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((at) => [at % 2 === 1, at % 4 > 1, at >= 4 && at < 8, at >= 8])) {
      const plan = { batch, m, n, k, transposeA, transposeB, sharedA, sharedB };
      const [a, b] = [random((sharedA ? 1 : batch) * m * k), random((sharedB ? 1 : batch) * k * n)];
      const [got, wanted] = [random(batch * m * n), random(batch * m * n)];
      products.multiply(plan, a, b, got);
      plainProducts.multiply(plan, a, b, wanted);
      const largest = Array.from(got).reduce((most, value, at) => Math.max(most, Math.abs(value - wanted[at])), 0);
      expect(largest).toBeLessThan((precision === "float32" ? 1e-6 : 1e-15) * (k + 4));
    }
  });

  it("larger ones, and those of other memories, are left to others", () => {
    const plan = { batch: 1, m: 17, n: 17, k: 17, transposeA: false, transposeB: false, sharedA: true, sharedB: true };
    expect(() => products.multiply(plan, random(289), random(289), random(289))).toThrow("not in place");
    const outside = precision === "float32" ? new Float32Array(100) : new Float64Array(100);
    expect(() => products.multiply({ ...plan, m: 10, n: 10, k: 10 }, outside, random(100), random(100))).toThrow("not in place");
  });
});
