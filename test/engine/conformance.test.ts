import { describe, expect, it } from "vitest";
import type { Tensor } from "../../server/src/engine/engine";
import type { ActivationName } from "../../server/src/protocol/spec";
import { uniform } from "../core/linalg/random";
import { allEngines, type Candidate } from "./engines";

const { engines, absent } = await allEngines();
for (const { name, reason } of absent) console.warn(`Conformance: the engine "${name}" is NOT tested here. ${reason}`);

interface Array_ { shape: number[]; values: number[] }

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, extent) => product * extent, 1);
const indexOf = (flat: number, shape: readonly number[]): number[] => {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
};
const flatOf = (index: readonly number[], shape: readonly number[]): number => index.reduce((flat, i, axis) => flat * shape[axis] + (shape[axis] === 1 ? 0 : i), 0);

/** Array of `shape` filled by index. */
const fill = (shape: number[], at: (index: number[]) => number): Array_ => ({
  shape, values: Array.from({ length: sizeOf(shape) }, (_, flat) => at(indexOf(flat, shape))),
});

/** Abramowitz & Stegun are not enough here: erf by its series and, beyond 3, by the continued fraction of erfc (DLMF 7.6.2, 7.9.1). */
function erf(x: number): number {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  let value: number;
  if (z < 3) {
    let term = z;
    value = z;
    for (let n = 1; n < 200; n++) value += term *= (2 * z * z) / (2 * n + 1);
    value *= (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z);
  } else {
    let fraction = z;
    for (let n = 80; n > 0; n--) fraction = z + (n / 2) / fraction;
    value = 1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction);
  }
  return Math.sign(x) * value;
}
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const activations: Record<ActivationName, (x: number) => number> = {
  identity: (x) => x,
  relu: (x) => (x < 0 ? 0 : x),
  leaky_relu: (x) => (x < 0 ? 0.2 * x : x),
  tanh: Math.tanh,
  sigmoid: logistic,
  silu: (x) => x * logistic(x),
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};
const names = Object.keys(activations) as ActivationName[];

describe.each(engines.map((each) => [each.name, each] as [string, Candidate]))("engine %s", (_name, candidate) => {
  const { engine, epsilon, transcendental } = candidate;
  const single = engine.precision === "float32";
  /** Numbers as the engine holds them, so that only its arithmetic is judged. */
  const held = (x: number): number => (single ? Math.fround(x) : x);
  const random = (shape: number[], seed: number, scale = 1): Array_ => {
    const next = uniform(seed);
    return { shape, values: Array.from({ length: sizeOf(shape) }, () => held(scale * next())) };
  };
  const put = (array: Array_): Tensor => engine.tensor(array.values, array.shape);

  async function expectTensor(got: Tensor, expected: Array_, tolerance: number, scale = 0): Promise<void> {
    expect(got.shape).toEqual(expected.shape);
    const values = await engine.read(got);
    expect(values).toBeInstanceOf(single ? Float32Array : Float64Array);
    expect(values.length).toBe(expected.values.length);
    values.forEach((value, i) => {
      const wanted = held(expected.values[i]);
      if (Number.isNaN(wanted) || !Number.isFinite(wanted)) {
        expect(value, `entry ${i}`).toBe(wanted);
        return;
      }
      const smallest = candidate.flushes ? 1.2e-38 : 0;
      const allowed = tolerance * Math.max(Math.abs(wanted), scale) + smallest;
      expect(Math.abs(value - wanted), `entry ${i}: ${value}, expected ${wanted}`).toBeLessThanOrEqual(allowed);
    });
  }

  it("holds what it is given, in every shape", async () => {
    for (const shape of [[], [1], [0], [3, 0, 2], [2, 3], [2, 1, 3, 1, 2]]) await expectTensor(put(random(shape, 1)), random(shape, 1), 0);
    await expectTensor(engine.tensor([NaN, Infinity, -Infinity, -0, 1e-38, 1e38], [6]), { shape: [6], values: [NaN, Infinity, -Infinity, -0, held(1e-38), held(1e38)] }, 0);
    expect(() => engine.tensor([1, 2], [3])).toThrow("needs 3 values, got 2");
  });

  it("hands out copies, not its memory", async () => {
    const source = Float64Array.of(1, 2, 3);
    const a = engine.tensor(source, [3]);
    source[0] = 9;
    const first = await engine.read(a);
    expect([...first]).toEqual([1, 2, 3]);
    first[1] = 9;
    expect([...await engine.read(a)]).toEqual([1, 2, 3]);
    engine.dispose(a);
    engine.tensor(new Float64Array(3).fill(7), [3]);
    expect([...first]).toEqual([1, 9, 3]);
  });

  const products: [number[], number[], boolean, boolean][] = [
    [[1, 1], [1, 1], false, false], [[1, 7], [7, 1], false, false], [[5, 6], [6, 7], false, false], [[6, 5], [6, 7], true, false],
    [[5, 6], [7, 6], false, true], [[6, 5], [7, 6], true, true], [[130, 67], [67, 33], false, false], [[67, 130], [33, 67], true, true],
    [[65, 1], [1, 33], false, false], [[4, 5, 6], [4, 6, 7], false, false], [[4, 5, 6], [4, 7, 6], false, true], [[4, 6, 5], [4, 6, 7], true, false],
    [[4, 6, 5], [4, 7, 6], true, true], [[2, 3, 5, 6], [2, 3, 6, 7], false, false], [[4, 5, 6], [6, 7], false, false], [[4, 5, 6], [7, 6], false, true],
    [[4, 6, 5], [6, 7], true, false], [[5, 6], [4, 6, 7], false, false], [[6, 5], [4, 7, 6], true, true], [[2, 3, 5, 6], [6, 7], false, false],
    [[0, 3], [3, 2], false, false], [[2, 0], [0, 3], false, false], [[0, 2, 3], [3, 4], false, false], [[2, 3], [3, 0], false, false],
    [[40, 9, 50], [50, 30], false, false],
  ];
  it.each(products)("matMul %j x %j, transposed %s %s", async (shapeA, shapeB, transposeA, transposeB) => {
    const a = random(shapeA, 3);
    const b = random(shapeB, 4);
    const leadA = shapeA.slice(0, -2);
    const leadB = shapeB.slice(0, -2);
    const k = shapeA.at(transposeA ? -2 : -1) ?? 0;
    const pick = (array: Array_, lead: number[], index: number[], row: number, col: number, swap: boolean): number =>
      array.values[flatOf([...(lead.length === 0 ? [] : index.slice(0, -2)), ...(swap ? [col, row] : [row, col])], array.shape)];
    const expected = fill([...(leadA.length === 0 ? leadB : leadA), shapeA.at(transposeA ? -1 : -2) ?? 0, shapeB.at(transposeB ? -2 : -1) ?? 0], (index) => {
      const [i, j] = index.slice(-2);
      let sum = 0;
      for (let l = 0; l < k; l++) sum += pick(a, leadA, index, i, l, transposeA) * pick(b, leadB, index, l, j, transposeB);
      return sum;
    });
    await expectTensor(engine.matMul(put(a), put(b), { transposeA, transposeB }), expected, epsilon, Math.max(1, k));
  });

  it("matMul of a tensor with itself, and of special values", async () => {
    const a = random([7, 3], 5);
    const gram = fill([3, 3], ([i, j]) => Array.from({ length: 7 }, (_, r) => a.values[r * 3 + i] * a.values[r * 3 + j]).reduce((p, q) => p + q, 0));
    const tensor = put(a);
    await expectTensor(engine.matMul(tensor, tensor, { transposeA: true }), gram, epsilon, 7);
    const special = engine.matMul(engine.tensor([NaN, 1, 1e30, 1e-30], [2, 2]), engine.tensor([1, 0, 0, 1], [2, 2]));
    await expectTensor(special, { shape: [2, 2], values: [NaN, NaN, 1e30, 1e-30] }, epsilon);
  });

  it("refuses shapes that do not fit, naming both", () => {
    const a = put(random([2, 3], 1));
    expect(() => engine.matMul(a, a)).toThrow("[2, 3] x [2, 3]: the inner axes differ");
    expect(() => engine.matMul(put(random([2, 2, 3], 1)), put(random([3, 3, 2], 1)))).toThrow("the leading axes differ");
    expect(() => engine.add(a, put(random([2], 1)))).toThrow("[2, 3] and [2] do not broadcast");
    expect(() => engine.addProduct(a, a, put(random([1, 2, 3], 1)))).toThrow("a product of shape [1, 2, 3] cannot be added to a sum of shape [2, 3]");
    expect(() => engine.reshape(a, [4])).toThrow("needs 4 values, got 6");
    expect(() => engine.transpose(a, [0, 0])).toThrow("no permutation");
    expect(() => engine.slice(a, [0, 2], [1, 2])).toThrow("does not lie in shape [2, 3]");
    expect(() => engine.concat([a, put(random([2, 2], 1))], 0)).toThrow("differ outside axis 0");
    expect(() => engine.concat([], 0)).toThrow("nothing to concatenate");
    expect(() => engine.gather(a, Int32Array.of(0, 2))).toThrow("index 2 is outside the 2 rows");
    expect(() => engine.sum(a, [2])).toThrow("axes [2] do not exist");
  });

  const pairs: [number[], number[]][] = [
    [[2, 3], [2, 3]], [[2, 3], [3]], [[3], [2, 3]], [[2, 3], [2, 1]], [[2, 1], [2, 3]], [[2, 3], []], [[], [2, 3]], [[], []], [[2, 1, 4], [3, 1]],
    [[4, 1, 3, 1], [2, 1, 5]], [[0, 3], [3]], [[2, 0], [1]], [[1, 1], [1]], [[5, 7, 9], [7, 1]], [[5, 7, 9], [5, 1, 9]], [[300], [300]], [[40, 30], [40, 1]],
  ];
  it.each(pairs)("add, sub, mul, div of %j and %j", async (shapeA, shapeB) => {
    const a = random(shapeA, 6);
    const b = random(shapeB, 7);
    const rank = Math.max(shapeA.length, shapeB.length);
    const wide = (shape: number[]): number[] => [...new Array<number>(rank - shape.length).fill(1), ...shape];
    const shape = wide(shapeA).map((extent, axis) => (extent === 1 ? wide(shapeB)[axis] : extent));
    const combine = (operation: (p: number, q: number) => number): Array_ =>
      fill(shape, (index) => operation(a.values[flatOf(index, wide(shapeA))], b.values[flatOf(index, wide(shapeB))]));
    const [p, q] = [put(a), put(b)];
    await expectTensor(engine.add(p, q), combine((x, y) => x + y), epsilon);
    await expectTensor(engine.sub(p, q), combine((x, y) => x - y), epsilon);
    await expectTensor(engine.mul(p, q), combine((x, y) => x * y), epsilon);
    await expectTensor(engine.div(p, q), combine((x, y) => x / y), epsilon);
    const sum = random(shape, 8);
    const products = combine((x, y) => x * y);
    await expectTensor(engine.addProduct(put(sum), p, q), { shape, values: products.values.map((x, i) => sum.values[i] + x) }, epsilon, 1);
  });

  it("arithmetic carries NaN, infinities, large and tiny values", async () => {
    const a = [NaN, Infinity, 1, 1e30, 1e-30, -1, 0];
    const b = [1, -Infinity, 0, 1e8, 1e-6, NaN, 0];
    const [p, q] = [engine.tensor(a, [7]), engine.tensor(b, [7])];
    const combine = (operation: (x: number, y: number) => number): Array_ => ({ shape: [7], values: a.map((x, i) => operation(held(x), held(b[i]))) });
    await expectTensor(engine.add(p, q), combine((x, y) => x + y), epsilon);
    await expectTensor(engine.sub(p, q), combine((x, y) => x - y), epsilon);
    await expectTensor(engine.mul(p, q), combine((x, y) => x * y), epsilon);
    await expectTensor(engine.div(p, q), combine((x, y) => x / y), epsilon);
  });

  it("affine, square, sqrt, exp, maximum", async () => {
    for (const shape of [[], [5, 7], [0, 3], [1000]]) {
      const a = random(shape, 8, 3);
      const each = (f: (x: number) => number): Array_ => ({ shape, values: a.values.map(f) });
      await expectTensor(engine.affine(put(a), 2.5), each((x) => x * 2.5), epsilon);
      await expectTensor(engine.affine(put(a), -0.5, 4), each((x) => x * -0.5 + 4), epsilon);
      await expectTensor(engine.square(put(a)), each((x) => x * x), epsilon);
      await expectTensor(engine.sqrt(engine.square(put(a))), each(Math.abs), epsilon);
      await expectTensor(engine.exp(put(a)), each(Math.exp), transcendental);
      await expectTensor(engine.maximum(put(a), 0.25), each((x) => Math.max(x, 0.25)), epsilon);
    }
    const special = engine.tensor([NaN, -Infinity, Infinity, -1e30, 1e30], [5]);
    await expectTensor(engine.exp(special), { shape: [5], values: [NaN, 0, Infinity, 0, Infinity] }, epsilon);
    await expectTensor(engine.sqrt(engine.maximum(special, 0)), { shape: [5], values: [NaN, 0, Infinity, 0, 1e15] }, epsilon);
  });

  it.each(names)("activation %s and its derivative", async (name) => {
    const values = [-30, -6.5, -5.9, -3, -1.3, -0.7, -0.1, -1e-3, 0, 1e-3, 0.2, 0.6, 1.1, 2.4, 3.3, 6.1, 30].map(held);
    const f = activations[name];
    const slope = { negativeSlope: 0.2 };
    const x = engine.tensor(values, [values.length]);
    await expectTensor(engine.activation(name, x, slope), { shape: [values.length], values: values.map(f) }, transcendental, 1);
    const kink = name === "relu" ? 0 : name === "leaky_relu" ? 0.2 : null;
    const derivative = values.map((v) => (v === 0 && kink !== null ? kink : (f(v + 1e-5) - f(v - 1e-5)) / 2e-5));
    await expectTensor(engine.activationDerivative(name, x, slope), { shape: [values.length], values: derivative }, Math.max(2e-9, transcendental), 1);
    const wide = random([3, 0, 2], 1);
    expect((await engine.read(engine.activation(name, put(wide)))).length).toBe(0);
    expect((await engine.read(engine.activation(name, engine.tensor([NaN], [1]))))[0]).toBeNaN();
  });

  it("softmax over the last axis, with a mask of -Infinity and without overflow", async () => {
    const rows = [[1, 2, 3, 4, 5], [0, -Infinity, 1, -Infinity, -2], [1000, 999, 0, -1000, 1000], [-Infinity, -Infinity, 0.5, -Infinity, -Infinity]];
    const expected = rows.flatMap((row) => {
      const top = Math.max(...row);
      const e = row.map((x) => Math.exp(x - top));
      const sum = e.reduce((p, q) => p + q, 0);
      return e.map((x) => x / sum);
    });
    await expectTensor(engine.softmax(engine.tensor(rows.flat(), [2, 2, 5])), { shape: [2, 2, 5], values: expected }, transcendental, 0.1);
  });

  const sums: [number[], number[]][] = [
    [[5, 7], [0]], [[5, 7], [1]], [[5, 7], [0, 1]], [[5, 7], []], [[2, 3, 4, 5], [1]], [[2, 3, 4, 5], [0, 2]], [[2, 3, 4, 5], [1, 3]],
    [[2, 3, 4, 5], [3, 0]], [[0, 3], [0]], [[3, 0], [1]], [[1, 6], [0]], [[9], [-1]],
  ];
  it.each(sums)("sum of %j over %j", async (shape, axes) => {
    const a = random(shape, 9);
    const reduced = axes.map((axis) => (axis + shape.length) % shape.length);
    const kept = shape.map((extent, axis) => (reduced.includes(axis) ? 1 : extent));
    const totals = fill(kept, () => 0);
    a.values.forEach((value, flat) => {
      totals.values[flatOf(indexOf(flat, shape), kept)] += value;
    });
    await expectTensor(engine.sum(put(a), axes, true), totals, epsilon, 4);
    await expectTensor(engine.sum(put(a), axes), { shape: shape.filter((_, axis) => !reduced.includes(axis)), values: totals.values }, epsilon, 4);
  });

  it.each(sums)("sum of squares of %j over %j", async (shape, axes) => {
    const a = random(shape, 9);
    const squares = put({ shape: a.shape, values: a.values.map((value) => value * value) });
    for (const keepDims of [true, false]) {
      const expected = engine.sum(squares, axes, keepDims);
      await expectTensor(engine.sumOfSquares(put(a), axes, keepDims), { shape: [...expected.shape], values: Array.from(await engine.read(expected)) }, 2 * epsilon, 4);
    }
  });

  it("columns of what is left after a shift, in float64, some rows at a time", async () => {
    for (const [shape, rows] of [[[5, 1, 3], 2], [[70, 9], 70], [[70, 9], 33], [[0, 4], 3], [[2, 2, 2], 100]] as [number[], number][]) {
      const x = random(shape, 23);
      const width = shape[shape.length - 1];
      const shift = Float64Array.from({ length: width }, (_, col) => col / 3 - 1);
      const stored = await engine.read(put(x));
      let done = 0;
      await engine.readColumns(put(x), shift, rows, (columns, count) => {
        expect(columns).toEqual(Float64Array.from({ length: width * count }, (_, at) => stored[(done + (at % count)) * width + Math.floor(at / count)] - shift[Math.floor(at / count)]));
        done += count;
      });
      expect(done).toBe(sizeOf(shape) / width);
    }
    await expect((async () => engine.readColumns(put(random([2, 3], 1)), new Float64Array(2), 1, () => undefined))()).rejects.toThrow("readColumns: the last axis of [2, 3] needs 2 entries");
  });

  it("adds its numbers to sums in float64", async () => {
    const [a, sums] = [random([7, 9], 3), Float64Array.from({ length: 63 }, (_, at) => at / 7)];
    const expected = sums.map((sum, at) => sum + 2 * a.values[at] - 0.5 * a.values[at]);
    await engine.addTo(sums, put(a), 2);
    await engine.addTo(sums, put(a), -0.5);
    sums.forEach((sum, at) => expect(Math.abs(sum - expected[at])).toBeLessThan(1e-14));
    await engine.addTo(sums, put(a));
    sums.forEach((sum, at) => expect(Math.abs(sum - expected[at] - a.values[at])).toBeLessThan(1e-14));
    await expect((async () => engine.addTo(new Float64Array(3), put(random([2], 1))))()).rejects.toThrow("2 values cannot be added to 3 sums.");
  });

  it("rows of bytes as the numbers they stand for, a 1 behind each", async () => {
    const meaning = Float32Array.from({ length: 256 }, (_, byte) => Math.fround(Math.sin(byte)));
    for (const [rows, width] of [[40, 37], [1, 1], [3, 784], [0, 5]]) {
      const bytes = Uint8Array.from({ length: rows * width }, (_, at) => (at * 97) % 256);
      const expected = fill([rows, width + 1], ([row, col]) => (col === width ? 1 : meaning[bytes[row * width + col]]));
      await expectTensor(engine.tensorOfBytes(bytes, width, meaning), expected, 1e-7, 1);
    }
    expect(() => engine.tensorOfBytes(new Uint8Array(7), 3, meaning)).toThrow("tensorOfBytes: 7 bytes do not make rows of 3.");
    expect(() => engine.tensorOfBytes(new Uint8Array(6), 3, meaning.subarray(1))).toThrow("tensorOfBytes: the meanings of 255 bytes are given instead of 256.");
  });

  it("products of rows of bytes, few or many of which are zero", async () => {
    // Zero stands for a number, too.
    const meaning = Float32Array.from({ length: 256 }, (_, byte) => Math.fround((byte - 33) / 78));
    for (const [rows, width, columns, every] of [[40, 784, 101, 5], [700, 130, 33, 4], [45, 500, 16, 1], [64, 300, 47, 20_000], [2, 3, 2, 2]]) {
      const bytes = Uint8Array.from({ length: rows * width }, (_, at) => ((at * 31) % every === 0 ? (at * 97) % 256 : 0));
      const b = random([width + 1, columns], 5);
      const expected = fill([rows, columns], ([row, column]) => {
        let sum = b.values[width * columns + column];
        for (let place = 0; place < width; place++) sum += meaning[bytes[row * width + place]] * b.values[place * columns + column];
        return sum;
      });
      const x = engine.tensorOfBytes(bytes, width, meaning);
      const inner = 3 * (width + 1);
      await expectTensor(engine.matMul(x, put(b)), expected, epsilon * Math.sqrt(inner), inner);
      // Some of the rows, in another shape.
      const part = engine.reshape(engine.slice(x, [1, 0], [rows - 1, width + 1]), [rows - 1, 1, width + 1]);
      const shape = [rows - 1, 1, columns];
      await expectTensor(engine.matMul(part, put(b)), { shape, values: expected.values.slice(columns) }, epsilon * Math.sqrt(inner), inner);
    }
  });

  it("joint sums over the samples where two conditions hold, where the engine has them", async () => {
    if (!engine.jointSums) return;
    for (const [samples, width, conditions] of [[90, 37, 6], [64, 4, 130], [3, 1, 1], [0, 2, 3], [5, 0, 3]]) {
      const [values, signs] = [random([samples, width], 21), random([samples, conditions], 22)];
      const pairs = Array.from({ length: conditions }, (_, a) => Array.from({ length: conditions - a }, (_, c) => [a, a + c])).flat();
      const expected = fill([pairs.length, width], ([pair, j]) => {
        const [a, c] = pairs[pair];
        let sum = 0;
        for (let n = 0; n < samples; n++) if (signs.values[n * conditions + a] > 0 && signs.values[n * conditions + c] > 0) sum += values.values[n * width + j];
        return sum;
      });
      await expectTensor(engine.jointSums(put(values), put(signs)), expected, epsilon, 4);
    }
    expect(() => engine.jointSums!(put(random([3, 2], 1)), put(random([4, 2], 1)))).toThrow("jointSums: values [3, 2] and conditions [4, 2] need one row for each sample.");
  });

  it("counts of the samples where two conditions hold, where the engine has them", async () => {
    if (!engine.jointCounts) return;
    for (const [samples, conditions] of [[90, 6], [64, 130], [200, 65], [3, 1], [5, 0], [0, 3]]) {
      const signs = random([samples, conditions], 22);
      const pairs = Array.from({ length: conditions }, (_, a) => Array.from({ length: conditions - a }, (_, c) => [a, a + c])).flat();
      const expected = fill([pairs.length], ([pair]) => {
        const [a, c] = pairs[pair];
        let count = 0;
        for (let n = 0; n < samples; n++) if (signs.values[n * conditions + a] > 0 && signs.values[n * conditions + c] > 0) count += 1;
        return count;
      });
      await expectTensor(engine.jointCounts(put(signs)), expected, 0);
    }
  });

  it("gated squares, where the engine has them", async () => {
    if (!engine.gatedSquares) return;
    for (const [samples, terms, inputs, outputs] of [[90, 37, 6, 5], [64, 4, 130, 2], [3, 1, 1, 1], [0, 3, 2, 2], [5, 3, 0, 2], [5, 3, 2, 0], [700, 140, 33, 3]]) {
      const [signs, weights, into, outOf, constant] = [[samples, terms], [samples, inputs], [inputs, terms], [terms, outputs], [outputs, inputs]].map((shape, place) => random(shape, 30 + place));
      const at = ({ values }: Array_, width: number, row: number, col: number): number => values[row * width + col];
      for (const weighted of [true, false]) {
        const expected = fill([outputs, inputs], ([i, j]) => {
          let sum = 0;
          for (let t = 0; t < samples; t++) {
            let value = at(constant, inputs, i, j);
            for (let a = 0; a < terms; a++) if (at(signs, terms, t, a) > 0) value += at(into, terms, j, a) * at(outOf, outputs, a, i);
            sum += (weighted ? value * at(weights, inputs, t, j) : value) ** 2;
          }
          return sum;
        });
        const form = { into: put(into), outOf: put(outOf), constant: put(constant) };
        await expectTensor(engine.gatedSquares(put(signs), weighted ? put(weights) : null, form), expected, epsilon, 4 * samples * terms);
      }
    }
    const form = { into: put(random([2, 3], 1)), outOf: put(random([3, 4], 1)), constant: put(random([2, 4], 1)) };
    expect(() => engine.gatedSquares!(put(random([5, 3], 1)), null, form)).toThrow("gatedSquares: the shapes [5, 3], [5, 2], [2, 3], [3, 4], [2, 4] of conditions");
  });

  it("sums many entries without losing digits", async () => {
    const a = random([20000, 2], 10);
    const expected = [0, 1].map((column) => a.values.filter((_, i) => i % 2 === column).reduce((p, q) => p + q, 0));
    await expectTensor(engine.sum(put(a), [0]), { shape: [2], values: expected }, single ? 1e-5 : 1e-13, 100);
  });

  it("argMax takes the first of equals", async () => {
    const a = engine.tensor([1, 5, 5, -1, -2, -1, 0, 0, 0], [3, 3]);
    expect([...await engine.argMax(a)]).toEqual([1, 0, 0]);
    expect([...await engine.argMax(put(random([2, 3, 1], 1)))]).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...await engine.argMax(put({ shape: [0, 4], values: [] }))]).toEqual([]);
  });

  it.each([[[2, 3], [1, 0]], [[2, 3, 4], [0, 2, 1]], [[2, 3, 4], [2, 0, 1]], [[2, 3, 4], [1, 0, 2]], [[2, 3, 4, 5], [0, 2, 1, 3]], [[2, 3, 4, 5], [3, 2, 1, 0]],
    [[2, 1, 3, 1], [3, 2, 1, 0]], [[0, 3], [1, 0]], [[70, 45], [1, 0]], [[4], [0]], [[], []]])("transpose %j by %j", async (shape, permutation) => {
    const a = random(shape, 11);
    const expected = fill(permutation.map((axis) => shape[axis]), (index) => {
      const source = new Array<number>(shape.length);
      permutation.forEach((axis, i) => { source[axis] = index[i]; });
      return a.values[flatOf(source, shape)];
    });
    await expectTensor(engine.transpose(put(a), permutation), expected, 0);
  });

  it("slice, concat, gather, reshape move entries", async () => {
    const a = random([4, 5, 6], 12);
    for (const [begin, size] of [[[1, 2, 3], [2, 3, 2]], [[0, 0, 0], [4, 5, 6]], [[2, 0, 0], [1, 5, 6]], [[0, 4, 0], [4, 1, 6]], [[1, 1, 1], [0, 2, 2]]]) {
      const expected = fill(size, (index) => a.values[flatOf(index.map((i, axis) => i + begin[axis]), a.shape)]);
      await expectTensor(engine.slice(put(a), begin, size), expected, 0);
    }
    for (const axis of [0, 1, 2]) {
      const parts = [2, 0, 3, 1].map((extent, i) => random([4, 5, 6].map((full, each) => (each === axis ? extent : full)), 20 + i));
      const total = 6;
      const expected = fill([4, 5, 6].map((full, each) => (each === axis ? total : full)), (index) => {
        let at = index[axis];
        const part = parts.find((each) => at < each.shape[axis] || (at -= each.shape[axis], false));
        return part === undefined ? NaN : part.values[flatOf(index.map((i, each) => (each === axis ? at : i)), part.shape)];
      });
      await expectTensor(engine.concat(parts.map(put), axis), expected, 0);
    }
    const indices = Int32Array.of(3, 0, 3, 1);
    await expectTensor(engine.gather(put(a), indices), fill([4, 5, 6], ([i, j, k]) => a.values[flatOf([indices[i], j, k], a.shape)]), 0);
    await expectTensor(engine.gather(put(a), new Int32Array(0)), { shape: [0, 5, 6], values: [] }, 0);
    await expectTensor(engine.gather(put(random([4], 2)), Int32Array.of(2)), { shape: [1], values: [random([4], 2).values[2]] }, 0);
    await expectTensor(engine.reshape(put(a), [6, 1, 20]), { shape: [6, 1, 20], values: a.values }, 0);
  });

  it("tidy frees what is not returned and keeps what is", async () => {
    let lost: Tensor | null = null;
    const kept = engine.tidy(() => {
      lost = put(random([2, 2], 13));
      const inner = engine.tidy(() => engine.square(lost as Tensor));
      return { list: [engine.reshape(inner, [4])], name: "x" };
    });
    expect((await engine.read(kept.list[0])).length).toBe(4);
    expect(() => engine.square(lost as unknown as Tensor)).toThrow("used after it was disposed");
    expect(() => engine.tidy(() => { throw new Error("inside"); })).toThrow("inside");
    expect(() => engine.tidy(async () => 1)).toThrow("asynchronous");
    const shared = put(random([2, 2], 14));
    const view = engine.reshape(shared, [4]);
    engine.dispose(shared);
    engine.dispose(shared);
    engine.tensor([9, 9, 9, 9], [4]);
    await expectTensor(view, { shape: [4], values: random([2, 2], 14).values }, 0);
  });

  it("a two-layer network agrees with float64 arithmetic", async () => {
    const x = random([33, 20], 15);
    const w1 = random([20, 30], 16);
    const w2 = random([30, 4], 17);
    const layer = (input: Array_, weight: Array_, f: (v: number) => number): Array_ => fill([input.shape[0], weight.shape[1]], ([i, j]) => {
      let sum = 0;
      for (let l = 0; l < weight.shape[0]; l++) sum += input.values[i * weight.shape[0] + l] * weight.values[l * weight.shape[1] + j];
      return f(sum);
    });
    const expected = layer(layer(x, w1, Math.tanh), w2, (v) => v);
    const got = engine.tidy(() => engine.matMul(engine.activation("tanh", engine.matMul(put(x), put(w1))), put(w2)));
    await expectTensor(got, expected, 10 * transcendental, 4);
  });
});

describe.each(absent)("engine $name", ({ reason }) => {
  it.skip(`is not tested on this machine: ${reason}`, () => undefined);
});

