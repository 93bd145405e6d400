import { expect, it } from "vitest";
import { canHaveRank, effectiveRank } from "../../../server/src/workspace/models/modelFacts";

it("is the number of equal singular values", () => {
  const rows = 6;
  const identity = Float32Array.from({ length: rows * 9 }, (_, i) => (i % 9 === Math.floor(i / 9) && i < 4 * 9 ? 3 : 0));
  expect(effectiveRank(identity, rows, 9)?.effective).toBeCloseTo(4, 6);
});

it("is 1 for an outer product, whatever the orientation", () => {
  const outer = Float32Array.from({ length: 15 }, (_, i) => (1 + Math.floor(i / 5)) * (2 + (i % 5)));
  expect(effectiveRank(outer, 3, 5)?.effective).toBeCloseTo(1, 3);
  expect(effectiveRank(outer, 5, 3)?.most).toBe(3);
});

it("is the same for the transpose, and does not depend on scale", () => {
  const [rows, columns] = [4, 7];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(3 * i + 1));
  const transposed = Float32Array.from({ length: rows * columns }, (_, i) => 100 * (values[(i % rows) * columns + Math.floor(i / rows)] ?? 0));
  expect(effectiveRank(transposed, columns, rows)?.effective).toBeCloseTo(effectiveRank(values, rows, columns)?.effective ?? 0, 5);
});

it("is 0 for a zero matrix and unknown for one that is not finite", () => {
  expect(effectiveRank(new Float32Array(6), 2, 3)).toEqual({ effective: 0, most: 2 });
  expect(effectiveRank(Float32Array.of(1, NaN, 2, 3), 2, 2)).toBeNull();
});

it("exists for matrices and kernels only", () => {
  const info = (name: string, shape: number[]) => ({ name, shape, dtype: "float32" as const });
  expect(canHaveRank(info("fc.weight", [4, 5]))).toBe(true);
  expect(canHaveRank(info("conv.weight", [4, 5, 3, 3]))).toBe(true);
  expect(canHaveRank(info("fc.bias", [4]))).toBe(false);
  expect(canHaveRank(info("attn.b_Q", [4, 5]))).toBe(false);
  expect(canHaveRank(info("attn.W_Q", [4, 5, 6]))).toBe(false);
  expect(canHaveRank(info("huge.weight", [4096, 4096]))).toBe(false);
});
