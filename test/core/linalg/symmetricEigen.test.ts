import { describe, expect, it } from "vitest";
import { slice } from "../../../server/src/core/linalg/arrange";
import { frobeniusNorm, identity, scaleColumns } from "../../../server/src/core/linalg/elementary";
import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { symmetricEigen, type SymmetricEigen } from "../../../server/src/core/linalg/symmetricEigen";
import { nativeProducts } from "../../../server/src/engine/products/hostProducts";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";
import { hardMatrices } from "./hardMatrices";
import { largestDifference, randomMatrix, randomSymmetric } from "./random";

/** The matrix with largest entry 1, so that products of its entries neither overflow nor vanish. */
function normalised(a: Matrix): { unit: Matrix; largest: number } {
  const largest = a.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { unit: largest === 0 ? a : matrix(a.rows, a.cols, a.data.map((value) => value / largest)), largest };
}

function expectEigen(a: Matrix, { values, vectors }: SymmetricEigen): void {
  const n = a.rows;
  expect(largestDifference(multiply(vectors, vectors, { transposeA: true }), identity(n))).toBeLessThan(1e-13);
  for (let i = 1; i < n; i++) expect(values[i]).toBeLessThanOrEqual(values[i - 1]);
  const { unit, largest } = normalised(a);
  const unitValues = largest === 0 ? values : values.map((value) => value / largest);
  const norm = Math.max(frobeniusNorm(unit), 1e-300);
  const residual = largestDifference(multiply(unit, vectors), scaleColumns(vectors, unitValues));
  // Subnormal entries have few digits of their own.
  expect(residual / norm).toBeLessThan(largest < 1e-310 && largest > 0 ? 1 : 1e-14);
}

describe("symmetricEigen", () => {
  it.each([1, 2, 3, 5, 17, 31, 32, 33, 47, 48, 49, 64, 65, 97, 130, 257])("solves a random matrix of size %i", (n) => {
    const a = randomSymmetric(n, n + 1);
    expectEigen(a, symmetricEigen(a));
  });

  it.each([3, 4, 32, 33, 63, 66, 129, 200])("gives the same eigenvalues blocked and unblocked at size %i", (n) => {
    const a = randomSymmetric(n, n + 2);
    const blocked = symmetricEigen(a, { method: "blocked" });
    expectEigen(a, blocked);
    const plain = symmetricEigen(a, { method: "unblocked" });
    expectEigen(a, plain);
    blocked.values.forEach((value, i) => expect(Math.abs(value - plain.values[i])).toBeLessThan(1e-13 * n));
  });

  it("solves a matrix larger than the kernels' blocks", () => {
    const a = randomSymmetric(600, 1);
    expectEigen(a, symmetricEigen(a));
  });

  it.each([400, 513, 700])("gives the same eigenvalues with native products and with own kernels at size %i", (n) => {
    const a = randomSymmetric(n, n + 3);
    const own = symmetricEigen(a, { native: null });
    expectEigen(a, own);
    // Where no native library loads, plain loops stand in for it: any correct products must do.
    const native = symmetricEigen(a, { native: nativeProducts() ?? plainProducts });
    expectEigen(a, native);
    native.values.forEach((value, i) => expect(Math.abs(value - own.values[i])).toBeLessThan(1e-13 * n));
  });

  it("asks often whether it is still wanted, and ends when it is not", () => {
    const a = randomSymmetric(400, 5);
    for (const native of [null, plainProducts]) {
      let asked = 0;
      symmetricEigen(a, { native, checkCancelled: () => { asked += 1; } });
      expect(asked).toBeGreaterThan(400);
      for (const allowed of [0, 200, asked - 1]) {
        let left = allowed;
        expect(() => symmetricEigen(a, { native, checkCancelled: () => { if (left-- === 0) throw new Error("no longer wanted"); } })).toThrow("no longer wanted");
      }
    }
    expectEigen(a, symmetricEigen(a));
  });

  it.each([3, 50, 130])("leaves rows and columns of zeros out of the problem, at size %i", (n) => {
    const inner = randomSymmetric(n, n + 4);
    const places = Array.from({ length: n }, (_, i) => 2 * i + (i % 3 === 0 ? 1 : 0));
    const size = 2 * n + 3;
    const a = matrix(size, size);
    places.forEach((row, i) => places.forEach((col, j) => { a.data[row * size + col] = inner.data[i * n + j]; }));
    const whole = symmetricEigen(a);
    expectEigen(a, whole);
    // The same numbers as the problem without them, and exact unit vectors at exact zeros.
    const alone = symmetricEigen(inner);
    expect([...whole.values].filter((value) => value !== 0)).toEqual([...alone.values]);
    const zeros = [...whole.values.keys()].filter((j) => whole.values[j] === 0);
    expect(zeros.length).toBe(size - n);
    for (const j of zeros) {
      const column = Array.from({ length: size }, (_, i) => whole.vectors.data[i * size + j]);
      expect(column.filter((entry) => entry !== 0)).toEqual([1]);
      expect(places).not.toContain(column.indexOf(1));
    }
    const nothing = symmetricEigen(matrix(n, n));
    expect(nothing.vectors).toEqual(identity(n));
  });

  it("handles the empty matrix", () => {
    const { values, vectors } = symmetricEigen(matrix(0, 0));
    expect([values.length, vectors.rows, vectors.cols]).toEqual([0, 0, 0]);
  });

  describe.each(Object.entries(hardMatrices))("%s", (_name, make) => {
    it.each([1, 2, 30, 50, 64, 127, 200])("size %i", (n) => {
      const a = make(n);
      expectEigen(a, symmetricEigen(a));
    });
  });

  it("finds the eigenvalues of the Laplacian in closed form", () => {
    const n = 150;
    const { values } = symmetricEigen(hardMatrices["Laplacian"](n));
    values.forEach((value, i) => expect(value).toBeCloseTo(2 + 2 * Math.cos((Math.PI * (i + 1)) / (n + 1)), 13));
  });

  it("finds the integer eigenvalues of the Clement matrix", () => {
    const n = 100;
    const { values } = symmetricEigen(hardMatrices["Clement"](n));
    values.forEach((value, i) => expect(value).toBeCloseTo(n - 1 - 2 * i, 11));
  });

  it("refuses what is not a finite symmetric matrix", () => {
    expect(() => symmetricEigen(matrix(2, 3))).toThrow("a 2 x 3 matrix is not square");
    expect(() => symmetricEigen(matrix(2, 2, Float64Array.of(1, NaN, NaN, 1)))).toThrow("entry (0, 1) is NaN");
    expect(() => symmetricEigen(matrix(2, 2, Float64Array.of(1, 0, 0, Infinity)))).toThrow("entry (1, 1) is Infinity");
    expect(() => symmetricEigen(matrix(2, 2, Float64Array.of(1, 2, 3, 1)))).toThrow("entries (0, 1) and (1, 0) are 2 and 3");
  });

  it("takes rounding for symmetric", () => {
    const a = randomSymmetric(60, 3);
    a.data[7] += 1e-12;
    expectEigen(a, symmetricEigen(a));
  });

  it.each([9, 70])("takes a part of %i for the whole matrix, and the mean of both halves where it is told to", (n) => {
    const whole = randomMatrix(n + 5, n + 5, n);
    const part = slice(whole, 2, n + 2, 2, n + 2);
    const mean = matrix(n, n, part.data.map((value, at) => value / 2 + part.data[(at % n) * n + Math.floor(at / n)] / 2));
    expect(symmetricEigen(whole, { part: { first: 2, end: n + 2 }, asymmetry: "average" })).toEqual(symmetricEigen(mean));
  });

  it("does not change its argument", () => {
    const a = randomSymmetric(70, 4);
    const copy = matrix(70, 70, a.data.slice());
    symmetricEigen(a);
    expect(largestDifference(a, copy)).toBe(0);
  });
});
