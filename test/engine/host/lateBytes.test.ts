import { describe, expect, it } from "vitest";
import { plainArrays, type ArrayFunctions } from "../../../server/src/engine/host/arrayFunctions";
import { HostEngine } from "../../../server/src/engine/host/hostEngine";
import { plainProducts } from "../../../server/src/engine/products/plainProducts";

describe("rows of bytes", () => {
  const counted = (own: Partial<ArrayFunctions> = {}): { engine: HostEngine; written: () => number; given: () => number } => {
    let [written, given] = [0, 0];
    const arrays: ArrayFunctions = {
      ...plainArrays,
      ...own,
      byteRows: (...values) => {
        written += 1;
        plainArrays.byteRows(...values);
      },
      source: (precision) => {
        const source = plainArrays.source(precision);
        return { take: (length) => source.take(length), give: (array) => { given += 1; source.give(array); } };
      },
    };
    return { engine: new HostEngine("cpu", "float32", plainProducts, arrays), written: () => written, given: () => given };
  };
  const meaning = Float32Array.from({ length: 256 }, (_, byte) => byte / 2);
  const rows = Uint8Array.of(1, 2, 3, 4);

  it("are never written when nobody asks for their numbers", () => {
    const { engine, written, given } = counted();
    const shaped = engine.tidy(() => engine.reshape(engine.tensorOfBytes(rows, 2, meaning), [2, 1, 3]));
    engine.dispose(shaped);
    expect([written(), given()]).toEqual([0, 0]);
  });

  it("are never written for products that take them as they are", () => {
    const products: number[] = [];
    const { engine, written } = counted({
      byteProduct: ({ bytes }, _b, _columns, out) => {
        products.push(...bytes);
        out.fill(0);
        return true;
      },
    });
    const shaped = engine.reshape(engine.tensorOfBytes(rows, 2, meaning), [2, 1, 3]);
    const b = engine.tensor(new Float32Array(3), [3, 1]);
    engine.matMul(shaped, b);
    engine.matMul(engine.slice(shaped, [1, 0, 0], [1, 1, 3]), b);
    expect([products, written()]).toEqual([[1, 2, 3, 4, 3, 4], 0]);
    // Once the numbers are there, and where they are turned, they are multiplied.
    engine.matMul(shaped, engine.tensor(new Float32Array(3), [1, 3]), { transposeB: true });
    engine.matMul(shaped, b);
    expect([products.length, written()]).toEqual([6, 1]);
  });

  it("are written once for all tensors over them, and given back once", async () => {
    const { engine, written, given } = counted();
    const whole = engine.tensorOfBytes(rows, 2, meaning);
    const shaped = engine.reshape(whole, [2, 1, 3]);
    expect(Array.from(await engine.read(shaped))).toEqual([0.5, 1, 1, 1.5, 2, 1]);
    const second = engine.slice(shaped, [1, 0, 0], [1, 1, 3]);
    expect(Array.from(await engine.read(second))).toEqual([1.5, 2, 1]);
    engine.dispose(whole, second);
    expect([written(), given()]).toEqual([1, 0]);
    engine.dispose(shaped);
    expect([written(), given()]).toEqual([1, 1]);
    expect(() => engine.reshape(shaped, [6])).toThrow("after it was disposed");
  });

  it("are written for whole rows by themselves, and all of them for parts of rows", async () => {
    const { engine, written, given } = counted();
    const whole = engine.tensorOfBytes(rows, 2, meaning);
    const second = engine.slice(whole, [1, 0], [1, 3]);
    expect(Array.from(await engine.read(second))).toEqual([1.5, 2, 1]);
    engine.dispose(second);
    expect([written(), given()]).toEqual([1, 1]);
    const column = engine.slice(whole, [0, 1], [2, 1]);
    expect(Array.from(await engine.read(column))).toEqual([1, 2]);
    const pair = engine.slice(engine.reshape(whole, [6]), [2], [2]);
    expect(Array.from(await engine.read(pair))).toEqual([1, 1.5]);
    expect(written()).toBe(2);
  });
});
