import { describe, expect, it } from "vitest";
import type { FloatArray } from "../../../server/src/engine/engine";
import { plainArrays, type ArrayFunctions } from "../../../server/src/engine/host/arrayFunctions";
import { wasmArrays } from "../../../server/src/engine/host/wasmArrays";
import { broadcastShape, sizeOf } from "../../../server/src/engine/shapes";
import { uniform } from "../../core/linalg/random";

const kernels: ArrayFunctions = wasmArrays();
const precisions = ["float32", "float64"] as const;

describe.each(precisions)("array kernels in %s against plain loops", (precision) => {
  const source = kernels.source(precision);
  const next = uniform(precision === "float32" ? 11 : 12);
  const pick = (below: number): number => Math.min(below - 1, Math.floor(((next() + 1) / 2) * below));
  const random = (shape: readonly number[]): FloatArray => source.take(sizeOf(shape)).map(() => next()).map((value, i) => (i % 97 === 96 ? NaN : value));
  /** In the arena: `map` above made a copy outside it. */
  const inArena = (shape: readonly number[]): FloatArray => {
    const array = source.take(sizeOf(shape));
    array.set(random(shape));
    return array;
  };
  const shapes = (): number[] => Array.from({ length: 1 + pick(4) }, () => 1 + pick(13));
  const both = (length: number, run: (functions: typeof kernels, out: FloatArray) => void): { got: FloatArray; wanted: FloatArray } => {
    const got = source.take(length).fill(-7);
    const wanted = got.slice().fill(-7);
    run(kernels, got);
    run(plainArrays, wanted);
    return { got, wanted };
  };

  it.each(["add", "sub", "mul", "div"] as const)("%s with broadcasting", (name) => {
    for (let round = 0; round < 200; round++) {
      const shape = shapes();
      const stretch = (full: readonly number[]): number[] => full.slice(pick(2)).map((extent) => (next() > 0.2 ? 1 : extent));
      const [a, b] = next() > 0 ? [shape, stretch(shape)] : [stretch(shape), shape];
      const out = broadcastShape(name, a, b);
      const [x, y] = [inArena(a), inArena(b)];
      const { got, wanted } = both(sizeOf(out), (functions, to) => functions.binary(name, x, a, y, b, to, out));
      expect(got, `${a.join("x")} ${b.join("x")}`).toEqual(wanted);
    }
  });

  it("affine, square and sqrt", () => {
    for (const length of [1, 63, 64, 65, 66, 67, 1000, 40001]) {
      const a = inArena([length]);
      for (const run of [
        (functions: typeof kernels, out: FloatArray): void => functions.affine(a, -1.7, 0.3, out),
        (functions: typeof kernels, out: FloatArray): void => functions.square(a, out),
        (functions: typeof kernels, out: FloatArray): void => functions.sqrt(a, out),
      ]) {
        const { got, wanted } = both(length, run);
        expect(got).toEqual(wanted);
      }
    }
  });

  it("sums and sums of squares over any axes", () => {
    for (let round = 0; round < 200; round++) {
      const shape = round === 0 ? [3, 70, 2500] : shapes();
      const axes = shape.map((_, axis) => axis).filter(() => next() > 0);
      const a = inArena(shape).map((value) => (Number.isNaN(value) ? 0.5 : value));
      const x = source.take(a.length);
      x.set(a);
      const outShape = shape.filter((_, axis) => !axes.includes(axis));
      for (const squared of [false, true]) {
        const { got, wanted } = both(sizeOf(outShape), (functions, to) => functions.sum(x, shape, axes, squared, to));
        // Sums are carried in float64 in another order: float64 results differ in the last digits.
        got.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThanOrEqual(1e-13 * sizeOf(shape) + (precision === "float32" ? 1e-6 * Math.abs(wanted[i]) : 0)));
      }
    }
  });

  // Samples around the 8 of a table and the 64 of a word; widths around a tile of 128 bytes; more conditions than one pass takes.
  it.each([[1, 1, 1], [7, 3, 5], [8, 32, 4], [64, 33, 9], [65, 15, 12], [130, 70, 21], [40, 2, 140]])("joint sums of %i samples x %i under %i conditions", (samples, width, conditions) => {
    for (const share of [0, 0.4, 1]) {
      const [values, firing] = [source.take(samples * width), source.take(samples * conditions)];
      values.forEach((_, i) => (values[i] = next()));
      firing.forEach((_, i) => (firing[i] = (next() + 1) / 2 < share ? 0.25 + (next() + 1) : [0, NaN, -1][pick(3)]));
      const { got, wanted } = both(width * (conditions * (conditions + 1)) / 2, (functions, to) => functions.jointSums(values, width, firing, conditions, to));
      got.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThanOrEqual((precision === "float32" ? 1e-7 : 1e-16) * 2 * samples));
    }
  });

  // Around the 8 terms of a table, the 16 tables that are used together, a tile of 128 bytes and the 64 samples of a run.
  it.each([[1, 1, 1, 1], [63, 8, 32, 2], [64, 9, 33, 3], [130, 130, 15, 4], [200, 260, 17, 1], [40, 20, 140, 9]])("gated squares of %i samples, %i terms, %i x %i", (samples, terms, inputs, outputs) => {
    const filled = (length: number): ReturnType<typeof source.take> => {
      const array = source.take(length);
      array.forEach((_, i) => (array[i] = next()));
      return array;
    };
    const [into, outOf, constant, features] = [inputs * terms, terms * outputs, outputs * inputs, samples * inputs].map(filled);
    for (const share of [0, 0.4, 1]) {
      const conditions = source.take(samples * terms);
      conditions.forEach((_, i) => (conditions[i] = (next() + 1) / 2 < share ? 0.25 + (next() + 1) : [0, NaN, -1][pick(3)]));
      for (const weights of [features, null]) {
        const sizes = { samples, terms, inputs, outputs };
        const { got, wanted } = both(outputs * inputs, (functions, to) => functions.gatedSquares({ conditions, weights, into, outOf, constant }, sizes, to));
        // Sums of the terms are in the precision of the numbers.
        got.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThanOrEqual((precision === "float32" ? 2e-7 : 4e-16) * terms * samples + 1e-5 * (precision === "float32" ? 1 : 1e-9) * wanted[i]));
      }
    }
  });

  it("transpose, slice and concat", () => {
    for (let round = 0; round < 300; round++) {
      const shape = round === 0 ? [2, 70, 131] : shapes();
      const a = inArena(shape);
      const permutation = shape.map((_, axis) => ({ axis, key: next() })).sort((p, q) => p.key - q.key).map(({ axis }) => axis);
      const turned = both(a.length, (functions, out) => functions.transpose(a, shape, permutation, out));
      expect(turned.got, `${shape.join("x")} by ${permutation.join(",")}`).toEqual(turned.wanted);

      const begin = shape.map((extent) => pick(extent));
      const size = shape.map((extent, axis) => 1 + pick(extent - begin[axis]));
      const part = both(sizeOf(size), (functions, out) => functions.slice(a, shape, begin, size, out));
      expect(part.got).toEqual(part.wanted);

      const axis = pick(shape.length);
      const other = shape.map((extent, at) => (at === axis ? 1 + pick(9) : extent));
      const b = inArena(other);
      const joined = both(a.length + b.length, (functions, out) => functions.concat([a, b, a].slice(0, 2), [shape, other], axis, out));
      expect(joined.got).toEqual(joined.wanted);
    }
  });
});
