import { describe, expect, it } from "vitest";
import { identity, scaleColumns } from "../../../server/src/core/linalg/elementary";
import { matrix } from "../../../server/src/core/linalg/matrix";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { symmetricEigen } from "../../../server/src/core/linalg/symmetricEigen";
import { largestDifference, randomSymmetric } from "./random";

describe("symmetricEigen", () => {
  it.each([1, 2, 3, 5, 17, 64, 100])("reconstructs a random symmetric matrix of size %i", (n) => {
    const a = randomSymmetric(n, n + 1);
    const { values, vectors } = symmetricEigen(a);
    const back = multiply(scaleColumns(vectors, values), vectors, { transposeB: true });
    expect(largestDifference(back, a)).toBeLessThan(1e-13 * n);
    expect(largestDifference(multiply(vectors, vectors, { transposeA: true }), identity(n))).toBeLessThan(1e-13);
    expect([...values]).toEqual([...values].sort((p, q) => q - p));
  });

  it("handles the empty matrix", () => {
    const { values, vectors } = symmetricEigen(matrix(0, 0));
    expect([values.length, vectors.rows, vectors.cols]).toEqual([0, 0, 0]);
  });
});
