import { describe, expect, it } from "vitest";
import { EdgeRanking, groupRows } from "../../../../server/src/core/lib/ablation/edgeMask";
import { matrix } from "../../../../server/src/core/linalg/matrix";

const edges = matrix(3, 3, Float64Array.of(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9));
const keptOf = (ranking: EdgeRanking, kept: number): number[] => [...ranking.mask(kept).data];

describe("edge mask", () => {
  it("known answer (method 8.1 H): two edges besides the constant column", () => {
    expect(keptOf(new EdgeRanking(edges, true), 2)).toEqual([1, 0, 0, 1, 0, 0, 1, 1, 1]);
  });

  it("counts column 0 where there is no constant", () => {
    expect(keptOf(new EdgeRanking(edges, false), 2)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1]);
  });

  it("keeps nothing but the constant at 0, everything at the full count and above", () => {
    const ranking = new EdgeRanking(edges, true);
    expect(ranking.count).toBe(6);
    expect(keptOf(ranking, 0)).toEqual([1, 0, 0, 1, 0, 0, 1, 0, 0]);
    expect(keptOf(ranking, 5)).toContain(0);
    expect(keptOf(ranking, 6)).not.toContain(0);
    expect(keptOf(ranking, 7)).not.toContain(0);
  });

  it("keeps ties with the weakest kept edge", () => {
    const tied = new EdgeRanking(matrix(2, 3, Float64Array.of(9, 2, 1, 9, 2, 0)), true);
    expect(keptOf(tied, 1)).toEqual([1, 1, 0, 1, 1, 0]);
    expect(tied.weakestKept(1)).toBe(2);
    expect(tied.weakestKept(3)).toBe(1);
  });

  it("groups output features with the same inputs", () => {
    const mask = new EdgeRanking(matrix(3, 3, Float64Array.of(1, 5, 0, 1, 0, 5, 1, 5, 0)), true).mask(3);
    expect(groupRows(mask)).toEqual([{ outputs: [0, 2], inputs: [0, 1] }, { outputs: [1], inputs: [0, 2] }]);
  });

  it("refuses values that are not numbers", () => {
    expect(() => new EdgeRanking(matrix(1, 2, Float64Array.of(1, NaN)), true)).toThrow(/not a number/);
  });
});
