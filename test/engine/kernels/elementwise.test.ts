import { describe, expect, it } from "vitest";
import type { FloatArray } from "../../../server/src/engine/engine";
import { plainUnary, type UnaryFunctions } from "../../../server/src/engine/host/unary";
import { wasmArrays } from "../../../server/src/engine/host/wasmArrays";
import type { ActivationName } from "../../../server/src/protocol/spec";
import { uniform } from "../../core/linalg/random";

const names: ActivationName[] = ["identity", "relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "gelu_new"];
const kernels: UnaryFunctions = wasmArrays();

/** Special values first, then a fine grid, then random ones over many orders; longer than one piece of the kernels. */
function inputs(double: boolean): FloatArray {
  const next = uniform(2);
  const special = [NaN, Infinity, -Infinity, 0, -0, 1e-300, -1e-300, 1e30, -1e30, 709, 710, -745, -746, 88.7, -103, 5e-324, 1e-45, -1e-45];
  const grid = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 200);
  const wide = Array.from({ length: 30000 }, () => next() * 10 ** (4 * next()));
  return double ? Float64Array.from([...special, ...grid, ...wide]) : Float32Array.from([...special, ...grid, ...wide]);
}

function expectClose(got: FloatArray, wanted: FloatArray, a: FloatArray, tolerance: number): void {
  let worst = 0;
  let where = -1;
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(got[i], wanted[i]) || got[i] === wanted[i]) continue;
    const error = Math.abs(got[i] - wanted[i]) / Math.max(Math.abs(wanted[i]), 1e-3 * Math.min(1, Math.abs(a[i])), 1e-300);
    if (!(error <= worst)) [worst, where] = [Number.isNaN(error) ? Infinity : error, i];
  }
  expect(worst, where < 0 ? "" : `at ${a[where]}: ${got[where]}, expected ${wanted[where]}`).toBeLessThanOrEqual(tolerance);
}

describe.each([["float32", false, 1.3e-7], ["float64", true, 1e-11]] as const)("compiled functions in %s", (_name, double, tolerance) => {
  const a = inputs(double);
  const both = (run: (functions: typeof kernels, out: FloatArray) => void): void => {
    const got = a.slice();
    const wanted = a.slice();
    run(kernels, got);
    run(plainUnary, wanted);
    expectClose(got, wanted, a, tolerance);
  };

  it.each(names)("%s and its derivative agree with plain loops", (name) => {
    both((functions, out) => functions.activate(name, a, 0.2, out));
    both((functions, out) => functions.activateDerivative(name, a, 0.2, out));
  });

  it("exp and maximum agree with plain loops", () => {
    both((functions, out) => functions.exp(a, out));
    both((functions, out) => functions.maximum(a, 0.3, out));
  });

  it.each([1, 2, 3, 7, 64, 333, 16384, 20000])("softmax of rows of %i agrees with plain loops", (width) => {
    const rows = Math.max(1, Math.floor(30000 / width));
    const values = double ? new Float64Array(rows * width) : new Float32Array(rows * width);
    for (let i = 0; i < values.length; i++) values[i] = i % 5 === 3 && width > 1 ? -Infinity : a[4100 + (i % 20000)];
    const got = values.slice();
    const wanted = values.slice();
    kernels.softmax(values, width, got);
    plainUnary.softmax(values, width, wanted);
    expectClose(got, wanted, values, Math.max(tolerance, double ? 0 : 3e-7));
  });
});
