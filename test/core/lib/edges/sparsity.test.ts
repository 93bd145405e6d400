import { describe, expect, it } from "vitest";
import { edgeSparsity } from "../../../../server/src/core/lib/edges/sparsity";
import { matrix } from "../../../../server/src/core/linalg/matrix";

const free = { input: false, output: false };
const edges = (rows: number, cols: number, values: number[]): ReturnType<typeof matrix> => matrix(rows, cols, Float64Array.from(values));

describe("sparsity of edges", () => {
  it("is total for a single edge and none for equal ones", () => {
    const single = edgeSparsity(edges(2, 2, [0, 3, 0, 0]), free, 4);
    expect(single).toMatchObject({ possible: 4, present: 1, total: 3, holding: { half: 1, ninety: 1, ninetyNine: 1 }, ecdf: [[3, 1]] });
    expect(single.participationRatio).toBeCloseTo(1, 12);
    expect(single.hoyer).toBeCloseTo(1, 12);
    const equal = edgeSparsity(edges(2, 2, [2, 2, 2, 2]), free, 4);
    expect(equal.participationRatio).toBeCloseTo(4, 12);
    expect(equal.hoyer).toBeCloseTo(0, 12);
    expect(equal.holding).toEqual({ half: 2, ninety: 4, ninetyNine: 4 });
  });

  it("does not change with the scale, and leaves the constant out", () => {
    const one = edgeSparsity(edges(2, 3, [9, 0, 0, 9, 1, 4]), { input: true, output: true }, 2);
    expect(one).toMatchObject({ present: 2, total: 5 });
    const scaled = edgeSparsity(edges(2, 3, [1, 0, 0, 1, 10, 40]), { input: true, output: true }, 2);
    expect(scaled.hoyer).toBeCloseTo(one.hoyer, 12);
    expect(scaled.participationRatio).toBeCloseTo(25 / 17, 12);
  });

  it("counts truncated directions as edges of strength zero", () => {
    const values = [4, 1, 1, 2];
    const padded = edgeSparsity(edges(3, 3, [4, 1, 0, 1, 2, 0, 0, 0, 0]), free, 9);
    expect(edgeSparsity(edges(2, 2, values), free, 9)).toEqual(padded);
    expect(edgeSparsity(edges(2, 2, values), free, 4).hoyer).toBeLessThan(padded.hoyer);
  });

  it("has an ascending distribution that ends at one, and none without edges", () => {
    const many = edgeSparsity(edges(30, 20, Array.from({ length: 600 }, (_, k) => ((k * 37) % 601) + 1)), free, 600);
    expect(many.ecdf).toHaveLength(100);
    expect(many.ecdf.at(-1)![1]).toBe(1);
    many.ecdf.slice(1).forEach(([strength, fraction], k) => {
      expect(strength).toBeGreaterThan(many.ecdf[k]![0]);
      expect(fraction).toBeGreaterThan(many.ecdf[k]![1]);
    });
    expect(edgeSparsity(edges(1, 1, [0]), free, 1)).toEqual({ possible: 1, present: 0, total: 0, participationRatio: 0, hoyer: 0, holding: { half: 0, ninety: 0, ninetyNine: 0 }, ecdf: [] });
  });
});
