import { describe, expect, it } from "vitest";
import { transpose } from "../../../server/src/core/linalg/arrange";
import { identity, scaleColumns } from "../../../server/src/core/linalg/elementary";
import { matrix, type Matrix } from "../../../server/src/core/linalg/matrix";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { pseudoInverse, rank, svd } from "../../../server/src/core/linalg/svd";
import { symmetricEigen } from "../../../server/src/core/linalg/symmetricEigen";
import { largestDifference, randomMatrix, randomSymmetric } from "./random";

/** left diag(values) right^T with random orthonormal columns. */
function withSingularValues(rows: number, cols: number, values: number[], seed: number): Matrix {
  const part = (size: number, s: number): Matrix => {
    const { vectors } = symmetricEigen(randomSymmetric(size, s));
    const out = matrix(size, values.length);
    for (let i = 0; i < size; i++) out.data.set(vectors.data.subarray(i * size, i * size + values.length), i * values.length);
    return out;
  };
  return multiply(scaleColumns(part(rows, seed), values), part(cols, seed + 1), { transposeB: true });
}

function expectSvd(a: Matrix): void {
  const { values, left, right } = svd(a);
  const largest = Math.max(values[0] ?? 0, 1e-300);
  expect(values.length).toBe(Math.min(a.rows, a.cols));
  for (let i = 1; i < values.length; i++) expect(values[i]).toBeLessThanOrEqual(values[i - 1]);
  for (const side of [left, right]) expect(largestDifference(multiply(side, side, { transposeA: true }), identity(side.cols))).toBeLessThan(3e-14);
  const back = multiply(scaleColumns(left, values.slice(0, left.cols)), right, { transposeB: true });
  expect(largestDifference(back, a) / largest).toBeLessThan(1e-13);
}

describe("svd", () => {
  it.each([[1, 1], [5, 3], [3, 5], [40, 40], [70, 50], [50, 90], [200, 7]])("decomposes a random %i x %i matrix", (rows, cols) => {
    expectSvd(randomMatrix(rows, cols, rows + cols));
  });

  it.each([3, 5, 11, 17])("finds given singular values down to rounding (seed %i)", (seed) => {
    const wanted = Array.from({ length: 60 }, (_, i) => 10 ** (-i / 5));
    const a = withSingularValues(80, 60, wanted, seed);
    expectSvd(a);
    svd(a).values.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThan(3e-14));
  });

  it("tells the rank of a product of thin matrices", () => {
    const a = multiply(randomMatrix(90, 12, 1), randomMatrix(12, 70, 2));
    expectSvd(a);
    expect(rank(a)).toBe(12);
    expect(rank(identity(9))).toBe(9);
    expect(rank(matrix(4, 3))).toBe(0);
    expect(rank(withSingularValues(30, 30, [1, 1e-3, 1e-9], 5), 1e-6)).toBe(2);
  });

  it("is exact on scaled and empty matrices", () => {
    for (const scale of [1e-200, 1e200]) {
      const a = randomMatrix(20, 10, 4);
      expectSvd(matrix(20, 10, a.data.map((value) => value * scale)));
    }
    expect(svd(matrix(0, 0)).values.length).toBe(0);
    expect(svd(matrix(3, 0)).right.rows).toBe(0);
    expect(() => svd(matrix(1, 1, Float64Array.of(NaN)))).toThrow("NaN");
  });
});

describe("pseudoInverse", () => {
  it.each([["tall", randomMatrix(30, 12, 6)], ["wide", randomMatrix(12, 30, 7)], ["of rank 4", multiply(randomMatrix(20, 4, 8), randomMatrix(4, 15, 9))]])(
    "obeys the four Penrose equations: %s", (_name, a) => {
      const inverse = pseudoInverse(a);
      const both = multiply(a, inverse);
      const other = multiply(inverse, a);
      expect(largestDifference(multiply(both, a), a)).toBeLessThan(1e-12);
      expect(largestDifference(multiply(inverse, both), inverse)).toBeLessThan(1e-12);
      expect(largestDifference(both, transpose(both))).toBeLessThan(1e-12);
      expect(largestDifference(other, transpose(other))).toBeLessThan(1e-12);
    });
});
