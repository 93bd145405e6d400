import { describe, expect, it } from "vitest";
import { secondRotation, type SecondRotation } from "../../../../server/src/core/lib/basis/rotation";
import { scaleColumns, scaleRows } from "../../../../server/src/core/linalg/elementary";
import type { Matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import { largestDifference, randomMatrix } from "../../linalg/random";

describe("the second rotation of a Gram of small rank", () => {
  it.each([[40, 7, 1], [40, 7, 0], [12, 12, 1], [9, 20, 2]])("[%i, %i] is the same from a factor and from the whole, %i features masked", (size, rank, masked) => {
    // Rows of very different size, as whitening leaves them.
    const factor = scaleRows(randomMatrix(size, rank, 5), Float64Array.from({ length: size }, (_, row) => 10 ** (-3 * row / size)));
    const whole = multiply(factor, factor, { transposeB: true });
    const [small, full] = [secondRotation({ factor }, masked, 1e-9), secondRotation({ whole }, masked, 1e-9)];
    expect(small.lambda.length).toBe(full.lambda.length);
    small.lambda.forEach((value, index) => expect(Math.abs(value - full.lambda[index])).toBeLessThan(1e-13 * full.lambda[masked]));
    // Eigenvectors have a sign of their own: V Lambda V^T does not.
    const together = ({ V, lambda }: SecondRotation): Matrix => multiply(scaleColumns(V, lambda), V, { transposeB: true });
    expect(largestDifference(together(small), together(full))).toBeLessThan(1e-13 * full.lambda[masked]);
  });
});
