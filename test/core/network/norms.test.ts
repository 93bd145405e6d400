import { beforeAll, describe, expect, it } from "vitest";
import type { NormShape } from "../../../server/src/core/network/module";
import { normDivideModule, normVarianceModule } from "../../../server/src/core/network/normModules";
import type { Engine, Tensor } from "../../../server/src/engine/engine";
import { gaussian, referenceEngine } from "../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const layerNorm: NormShape = { kind: "layer-norm", epsilon: 1e-5 };
const rmsNorm: NormShape = { kind: "rms-norm", epsilon: 1e-5 };
const rows = 4;
const width = 7;

/** [1, rows, width] with the constant 1 last. */
function stream(seed: number): Tensor {
  const next = gaussian(seed);
  return engine.tensor(Float64Array.from({ length: rows * width }, (_, index) => (index % width === width - 1 ? 1 : 3 * next() + 2)), [1, rows, width]);
}

function normed(norm: NormShape, x: Tensor): Tensor {
  const { outputs } = normVarianceModule(engine, "ln1.0", norm, [width]).forward([x]);
  return normDivideModule(engine, "ln1_out.0", norm, [1, width], false).forward(outputs).outputs[0];
}

const components = (x: Tensor): Promise<ArrayLike<number>> => engine.read(engine.slice(x, [0, 0, 0], [1, rows, width - 1]));
const constants = (x: Tensor): Promise<ArrayLike<number>> => engine.read(engine.slice(x, [0, 0, width - 1], [1, rows, 1]));
const apart = async (a: Tensor, b: Tensor): Promise<number> => Math.max(...(await engine.read(engine.sub(a, b))).map(Math.abs));

describe("a norm in two halves", () => {
  it.each([layerNorm, rmsNorm])("gives mean square 1 (up to epsilon) and passes the constant: $kind", async (norm) => {
    const y = normed(norm, stream(1));
    const values = Array.from(await components(y));
    for (let row = 0; row < rows; row += 1) {
      const part = values.slice(row * (width - 1), (row + 1) * (width - 1));
      expect(part.reduce((sum, value) => sum + value * value, 0) / part.length).toBeCloseTo(1, 4);
      if (norm.kind === "layer-norm") expect(part.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 12);
    }
    expect(Array.from(await constants(y))).toEqual([1, 1, 1, 1]);
  });

  it("does not see a shift of all components when it subtracts the mean, nor a scale when epsilon is 0", async () => {
    const x = stream(2);
    const mask = engine.tensor(Float64Array.from({ length: width }, (_, index) => (index < width - 1 ? 1 : 0)), [width]);
    const shifted = engine.add(x, engine.affine(mask, 5));
    expect(await apart(normed(layerNorm, shifted), normed(layerNorm, x))).toBeLessThan(1e-12);
    expect(await apart(normed(rmsNorm, shifted), normed(rmsNorm, x))).toBeGreaterThan(0.1);
    const scaled = engine.add(x, engine.mul(x, engine.affine(mask, 2)));
    for (const norm of [layerNorm, rmsNorm]) {
      const exact = { ...norm, epsilon: 0 };
      expect(await apart(normed(exact, scaled), normed(exact, x))).toBeLessThan(1e-12);
    }
  });

  it("takes a negative variance, which ablation can make, for 0, and does not change with it", async () => {
    const divide = normDivideModule(engine, "ln1_out.0", layerNorm, [1, width], true);
    const x = stream(3);
    const at = (variance: number): ReturnType<typeof divide.forward> => divide.forward([engine.tensor(new Float64Array(rows).fill(variance), [1, rows, 1]), x]);
    const [clamped, zero] = [at(-0.7), at(0)];
    expect(await apart(clamped.outputs[0], zero.outputs[0])).toBe(0);
    expect((await engine.read(clamped.outputs[0])).every(Number.isFinite)).toBe(true);
    const ones = engine.tensor(new Float64Array(rows * width).fill(1), [1, 1, rows, width]);
    const [toVariance] = divide.vjp(clamped.saved, [ones, ones]);
    expect(Array.from(await engine.read(toVariance)).map(Math.abs)).toEqual([0, 0, 0, 0]);
  });
});
