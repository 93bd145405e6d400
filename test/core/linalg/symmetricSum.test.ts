import { describe, expect, it } from "vitest";
import { add } from "../../../server/src/core/linalg/elementary";
import type { Matrix } from "../../../server/src/core/linalg/matrix";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { SymmetricSum } from "../../../server/src/core/linalg/symmetricSum";
import { largestDifference, randomMatrix } from "./random";

describe("the sum of products a a^T", () => {
  // one panel, its edge, several, several with a rest
  it.each([1, 63, 64, 65, 200, 391])("is that of whole products, for %i rows", (size) => {
    const [a, b] = [randomMatrix(size, 37, 1), randomMatrix(size, 5, 2)];
    const total = (factor?: number): Matrix => {
      const sum = new SymmetricSum(size);
      sum.add(a);
      sum.add(b);
      return sum.total(factor);
    };
    const whole = add(multiply(a, a, { transposeB: true }), multiply(b, b, { transposeB: true }));
    expect(largestDifference(total(), whole)).toBeLessThan(1e-13);
    expect(largestDifference(total(2), add(whole, whole))).toBeLessThan(1e-13);
  });

  it("refuses a matrix of another size", () => {
    expect(() => new SymmetricSum(3).add(randomMatrix(2, 4, 1))).toThrow("A matrix of 2 rows cannot be added to a sum of products of size 3.");
  });
});
