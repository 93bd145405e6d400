import { describe, expect, it } from "vitest";
import { createEngine } from "../../server/src/engine/createEngine";

describe("HostEngine", () => {
  it("frees what tidy does not return, and refuses disposed tensors", async () => {
    const engine = await createEngine({ backend: "cpu", precision: "float64" });
    let inner = engine.tensor([0], [1]);
    const kept = engine.tidy(() => {
      inner = engine.tensor([1, 2, 3, 4], [2, 2]);
      return { rows: [engine.reshape(inner, [4])] };
    });
    expect([...await engine.read(kept.rows[0])]).toEqual([1, 2, 3, 4]);
    expect(() => engine.square(inner)).toThrow("used after it was disposed");
  });

  it("keeps the entries of a slice after its tensor was disposed, and no longer than the slice", async () => {
    const engine = await createEngine({ backend: "wasm", precision: "float64" });
    const values = Float64Array.from({ length: 3 * 128 }, (_, index) => index);
    const whole = engine.tensor(values, [3, 2, 64]);
    const matrix = engine.slice(whole, [1, 0, 0], [1, 2, 64]);
    const row = engine.slice(engine.reshape(matrix, [2, 64]), [1, 32], [1, 32]);
    engine.dispose(whole, matrix);
    const others = Array.from({ length: 4 }, () => engine.affine(engine.tensor(values, [384]), -1));
    expect([...await engine.read(engine.affine(row, 2))]).toEqual(Array.from({ length: 32 }, (_, index) => 2 * (128 + 64 + 32 + index)));
    engine.dispose(row, ...others);
    expect(() => engine.square(row)).toThrow("used after it was disposed");
  });

  it("multiplies with every transpose and with a shared side", async () => {
    const engine = await createEngine({ backend: "cpu", precision: "float32" });
    const a = engine.tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    const b = engine.tensor([1, 0, 2, 1, 0, 3], [3, 2]);
    expect([...await engine.read(engine.matMul(a, b))]).toEqual([5, 11, 14, 23]);
    const left = engine.transpose(a, [1, 0]);
    const right = engine.transpose(b, [1, 0]);
    expect([...await engine.read(engine.matMul(left, right, { transposeA: true, transposeB: true }))]).toEqual([5, 11, 14, 23]);
    const batch = engine.reshape(engine.concat([a, a], 0), [2, 2, 3]);
    expect([...await engine.read(engine.matMul(batch, b))]).toEqual([5, 11, 14, 23, 5, 11, 14, 23]);
    expect(() => engine.matMul(a, a)).toThrow("matMul: [2, 3] x [2, 3]: the inner axes differ.");
  });
});
