import { describe, expect, it } from "vitest";
import type { FloatArray } from "../../../server/src/engine/engine";
import type { MatrixProducts } from "../../../server/src/engine/products/matrixProducts";
import { loadOnnxProducts } from "../../../server/src/engine/products/onnxProducts";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";
import { WasmProducts } from "../../../server/src/engine/products/wasmProducts";
import type { ProductPlan } from "../../../server/src/engine/shapes";
import { uniform } from "../../core/linalg/random";

const native = loadOnnxProducts({ small: plainProducts, threshold: 0 });
if ("missing" in native) console.warn(`onnxruntime is NOT tested here: ${native.missing}`);

const kinds: [string, MatrixProducts][] = [
  ["own kernels", new WasmProducts()],
  ["own kernels, cut into blocks", new WasmProducts(3000)],
  ...("missing" in native ? [] : [["onnxruntime", native] as [string, MatrixProducts]]),
];

function plans(): ProductPlan[] {
  const extents = [1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 31, 33, 65, 130, 257, 515];
  const next = uniform(7);
  const pick = (limit: number): number => extents[Math.floor((next() + 1) / 2 * limit)];
  return Array.from({ length: 160 }, (_, index) => {
    const batch = index % 4 === 0 ? 1 + index % 5 : 1;
    const large = batch > 1 ? 10 : extents.length;
    return {
      batch, m: pick(large), n: pick(large), k: pick(large),
      transposeA: (index & 1) === 1, transposeB: (index & 2) === 2,
      sharedA: batch === 1 || index % 3 === 0, sharedB: batch === 1 || index % 3 === 1,
    };
  });
}

describe.each(kinds)("matrix products by %s", (_name, products) => {
  it.each([["float32", Float32Array, 2e-7], ["float64", Float64Array, 4e-16]] as const)("agree with plain loops on odd shapes and transposes in %s", (_type, Kind, epsilon) => {
    const next = uniform(3);
    const random = (length: number): FloatArray => new Kind(length).map(() => next());
    for (const plan of plans()) {
      const { batch, m, n, k } = plan;
      const a = random(m * k * (plan.sharedA ? 1 : batch));
      const b = random(k * n * (plan.sharedB ? 1 : batch));
      const expected = new Kind(batch * m * n);
      const out = new Kind(batch * m * n).fill(NaN);
      plainProducts.multiply(plan, a, b, expected);
      products.multiply(plan, a, b, out);
      let worst = 0;
      for (let i = 0; i < out.length; i++) {
        const difference = Math.abs(out[i] - expected[i]);
        if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
      }
      expect(worst, JSON.stringify(plan)).toBeLessThanOrEqual(epsilon * (k + 8));
    }
  });

  it("multiplies a matrix with itself", () => {
    const a = Float64Array.from({ length: 35 }, uniform(5));
    const plan = { batch: 1, m: 5, n: 5, k: 7, transposeA: true, transposeB: false, sharedA: true, sharedB: true };
    const out = new Float64Array(25);
    const expected = new Float64Array(25);
    products.multiply(plan, a, a, out);
    plainProducts.multiply(plan, a, a, expected);
    expect(out.every((value, i) => Math.abs(value - expected[i]) < 1e-14)).toBe(true);
  });

  it("carries NaN and infinity", () => {
    const plan = { batch: 1, m: 1, n: 2, k: 2, transposeA: false, transposeB: false, sharedA: true, sharedB: true };
    const out = new Float64Array(2);
    products.multiply(plan, Float64Array.of(1, 1), Float64Array.of(NaN, Infinity, 1, 1), out);
    expect([...out]).toEqual([NaN, Infinity]);
  });
});
