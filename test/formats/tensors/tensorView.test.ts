import { describe, expect, it } from "vitest";
import { FormatError, type DType } from "../../../server/src/formats/modelFile";
import { decodeElements } from "../../../server/src/formats/tensors/elements";
import {
  bfloat16, float16, float8e4m3, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0,
} from "../../../server/src/formats/tensors/halfPrecision";
import { checkView, denseStrides, elementCount, readDense, type TensorView } from "../../../server/src/formats/tensors/tensorView";

describe("small float types", () => {
  it("give the known numbers of their definitions", () => {
    expect([0x0000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0xfc00].map(float16)).toEqual([0, 1, -2, 65504, 2 ** -24, Infinity, -Infinity]);
    expect(Object.is(float16(0x8000), -0)).toBe(true);
    expect(float16(0x7e00)).toBeNaN();
    expect([0x3f80, 0xc040, 0x7f80].map(bfloat16)).toEqual([1, -3, Infinity]);
    // Largest, smallest normal and smallest subnormal of the OCP 8-bit floating point specification.
    expect([0x7e, 0x08, 0x01, 0xb8].map(float8e4m3)).toEqual([448, 2 ** -6, 2 ** -9, -1]);
    expect(float8e4m3(0xff)).toBeNaN();
    expect([0x7b, 0x04, 0x01, 0x7c].map(float8e5m2)).toEqual([57344, 2 ** -14, 2 ** -16, Infinity]);
    expect([0x7f, 0x01, 0x40].map(float8e4m3fnuz)).toEqual([240, 2 ** -10, 1]);
    expect([0x7f, 0x01, 0x40].map(float8e5m2fnuz)).toEqual([57344, 2 ** -17, 1]);
    expect([float8e4m3fnuz(0x80), float8e5m2fnuz(0x80), float8e8m0(0xff)]).toEqual([NaN, NaN, NaN]);
    expect([0, 127, 254].map(float8e8m0)).toEqual([2 ** -127, 1, 2 ** 127]);
  });

  it("order as their bit patterns do", () => {
    const finite = Array.from({ length: 0x7c00 }, (_, bits) => float16(bits));
    expect(finite.every((value, i) => i === 0 || value > finite[i - 1]!)).toBe(true);
  });
});

describe("decodeElements", () => {
  const types: [DType, number[]][] = [
    ["int64", [0, 0, 0, 0, 0, 0, 0, 128]], ["uint64", [255, 255, 255, 255, 255, 255, 255, 255]], ["uint32", [254, 255, 255, 255]], ["int32", [254, 255, 255, 255]],
    ["int16", [0, 128]], ["uint16", [0, 128]], ["int8", [128]], ["uint8", [128]], ["bool", [2]], ["float32", [0, 0, 128, 63]], ["float64", [0, 0, 0, 0, 0, 0, 240, 63]],
  ];
  const values = [-(2 ** 63), 2 ** 64, 4294967294, -2, -32768, 32768, -128, 128, 1, 1, 1];
  it.each(types.map(([type, bytes], i) => [type, bytes, values[i]!] as const))("reads %s in both byte orders", (type, bytes, value) => {
    expect([...decodeElements(Uint8Array.from(bytes), type)]).toEqual([value]);
    expect([...decodeElements(Uint8Array.from([...bytes].reverse()), type, false)]).toEqual([value]);
    // Wherever the bytes lie, a Node Buffer included.
    const buffer = Buffer.concat([Buffer.of(9, 9, 9), Buffer.from(bytes)]);
    expect([...decodeElements(buffer.subarray(3), type)]).toEqual([value]);
  });

  it("reads complex numbers as pairs", () => {
    expect([...decodeElements(new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer), "complex32")]).toEqual([1, -2]);
  });
});

describe("tensor views", () => {
  const view = (shape: number[], strides: number[], offset = 0): TensorView => ({ dtype: "float32", shape, strides, offset, littleEndian: true });
  const storage = Float32Array.from({ length: 24 }, (_, i) => i);
  const read = async (v: TensorView): Promise<number[]> => {
    checkView(v, storage.length, "t");
    const bytes = new Uint8Array(storage.buffer);
    return [...await readDense(v, "t", (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)))];
  };

  it("agree with the definition of strides for every order of three axes", async () => {
    const shape = [2, 3, 4];
    const strides = denseStrides(shape);
    for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
      const [a, b, c] = order.map((axis) => shape[axis]!) as [number, number, number];
      const [p, q, r] = order.map((axis) => strides[axis]!) as [number, number, number];
      const expected: number[] = [];
      for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) for (let k = 0; k < c; k++) expected.push(i * p + j * q + k * r);
      expect(await read(view([a, b, c], [p, q, r]))).toEqual(expected);
    }
  });

  it("may skip, repeat, be single or empty", async () => {
    expect(await read(view([3], [5], 2))).toEqual([2, 7, 12]);
    expect(await read(view([2, 3], [1, 0], 4))).toEqual([4, 4, 4, 5, 5, 5]);
    expect(await read(view([], [], 23))).toEqual([23]);
    expect(await read(view([0, 5], [5, 1], 24))).toEqual([]);
    expect(await read(view([1, 4], [999, 1]))).toEqual([0, 1, 2, 3]);
  });

  it.each<[string, TensorView]>([
    ["past the end", view([25], [1])], ["past the end by offset", view([1], [1], 24)], ["past the end by stride", view([2], [24])],
    ["a negative offset", view([1], [1], -1)], ["a negative stride", view([2], [-1], 5)], ["a fractional stride", view([2], [0.5])],
    ["too few strides", view([2, 2], [1])], ["a stride that overflows", view([2 ** 30, 2], [2 ** 52, 1])], ["an expansion to 2^40", view([2 ** 40], [0])],
  ])("refuse %s", (_title, bad) => {
    expect(() => checkView(bad, storage.length, "tensor \"w\"")).toThrow(FormatError);
  });

  it("count elements exactly or refuse", () => {
    expect(elementCount([], "t")).toBe(1);
    expect(elementCount([2 ** 50, 0], "t")).toBe(0);
    expect(() => elementCount([2 ** 30, 2 ** 30], "t")).toThrow("more elements");
    expect(() => elementCount([NaN], "t")).toThrow("impossible");
    expect(() => elementCount(["3"], "t")).toThrow("impossible");
  });
});
