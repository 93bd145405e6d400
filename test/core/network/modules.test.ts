import { beforeAll, describe, expect, it } from "vitest";
import { activationFunction } from "../../../server/src/core/network/activationFunction";
import { activationModule } from "../../../server/src/core/network/activationModule";
import { attentionModule } from "../../../server/src/core/network/attentionModule";
import { lastPositionModule } from "../../../server/src/core/network/lastPositionModule";
import { linearMatrix, linearModule } from "../../../server/src/core/network/linearModule";
import { gatedActivationModule } from "../../../server/src/core/network/gatedActivationModule";
import type { AttentionShape, LinearTerm, Module, NormShape, RotaryShape } from "../../../server/src/core/network/module";
import { normDivideModule, normVarianceModule } from "../../../server/src/core/network/normModules";
import type { Engine, Tensor } from "../../../server/src/engine/engine";
import type { ActivationName } from "../../../server/src/protocol/spec";
import { randomMatrix } from "../linalg/random";
import { vjpDeviation } from "../support/finiteDifferences";
import { gaussian, referenceEngine } from "../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const positions = 4;
const samples = 5;

function randomInputs(module: Module, seed: number): Tensor[] {
  const next = gaussian(seed);
  return module.inputWidths.map((width) => engine.tensor(Float64Array.from({ length: samples * positions * width }, next), [samples, positions, width]));
}

const activations: ActivationName[] = ["relu", "gelu", "gelu_new", "tanh", "sigmoid", "silu", "leaky_relu", "identity"];

const attention = (changes: Partial<AttentionShape> = {}): AttentionShape => ({
  heads: 2, keyValueHeads: 2, queryWidth: 3, valueWidth: 4, scale: 1 / Math.sqrt(3), causal: true, window: null, rotary: null,
  output: randomMatrix(8, 5, 11), ...changes,
});

const rotary = (changes: Partial<RotaryShape> = {}): RotaryShape => ({ dimensions: 4, base: 100, pairing: "halves", scaling: null, ...changes });
const wide = { queryWidth: 5, scale: 1 / Math.sqrt(5) };
const grouped = { heads: 6, keyValueHeads: 2, output: randomMatrix(24, 5, 12) };
const norms: NormShape[] = [{ kind: "layer-norm", epsilon: 1e-5 }, { kind: "layer-norm", epsilon: 0.3 }, { kind: "rms-norm", epsilon: 1e-6 }];

/** Inputs of the second half with variances on both sides of the clamp at 0. */
function divideInputs(module: Module, seed: number): Tensor[] {
  const [variance, ...others] = randomInputs(module, seed);
  return [engine.affine(variance, 2, 0.5), ...others];
}

describe("vector-Jacobian products agree with finite differences", () => {
  it.each(activations)("activation %s, with the residual stream handed on", async (name) => {
    const module = activationModule(engine, "mlp_act.0", [6, 3], activationFunction(name, 0.2));
    expect(await vjpDeviation(engine, module, randomInputs(module, 1), 2)).toBeLessThan(1e-8);
  });

  it.each([
    ["causal", attention()],
    ["full", attention({ causal: false })],
    ["unscaled", attention({ scale: 1 })],
    ["local", attention({ window: 2 })],
    ["local, full", attention({ window: 2, causal: false })],
    ["grouped", attention(grouped)],
    ["rotary (halves)", attention({ ...wide, rotary: rotary() })],
    ["rotary (adjacent)", attention({ ...wide, rotary: rotary({ pairing: "adjacent" }) })],
    ["grouped, local, rotary", attention({ ...wide, ...grouped, window: 3, rotary: rotary({ scaling: { kind: "linear", factor: 4 } }) })],
  ])("%s attention", async (_name, shape) => {
    const module = attentionModule(engine, "attn_out.0", shape, [5]);
    expect(await vjpDeviation(engine, module, randomInputs(module, 3), 4)).toBeLessThan(1e-8);
  });

  it.each(norms)("both halves of $kind with epsilon $epsilon", async (norm) => {
    for (const [widths, source] of [[[6], 0], [[6, 6], 1], [[2], 0]] as const) {
      const first = normVarianceModule(engine, "ln1.0", norm, widths, source);
      expect(await vjpDeviation(engine, first, randomInputs(first, 20), 21)).toBeLessThan(1e-8);
    }
    for (const [widths, keepsInput] of [[[1, 6], true], [[1, 6], false], [[1, 6, 6], false], [[1, 2, 3], true]] as const) {
      const second = normDivideModule(engine, "ln1_out.0", norm, widths, keepsInput);
      expect(await vjpDeviation(engine, second, divideInputs(second, 22), 23)).toBeLessThan(1e-8);
    }
  });

  it.each(activations)("gated activation %s", async (name) => {
    const module = gatedActivationModule(engine, "mlp_act.0", 6, [3], activationFunction(name, 0.2));
    expect(await vjpDeviation(engine, module, randomInputs(module, 24), 25)).toBeLessThan(1e-8);
  });

  it("linear maps with several terms", async () => {
    const terms: LinearTerm[] = [
      { from: 0, to: 0, weight: randomMatrix(3, 4, 5) },
      { from: 1, to: 0, weight: randomMatrix(2, 4, 6) },
      { from: 1, to: 1, weight: null },
    ];
    const module = linearModule(engine, "mlp_in.0", [3, 2], [4, 2], terms);
    expect(await vjpDeviation(engine, module, randomInputs(module, 7), 8)).toBeLessThan(1e-8);
  });

  it("the last position", async () => {
    const module = lastPositionModule(engine, "last_position.0", [3, 2]);
    expect(await vjpDeviation(engine, module, randomInputs(module, 9), 10)).toBeLessThan(1e-8);
  });
});

describe("cotangents that are the same for all samples", () => {
  it.each([
    ["linear", () => linearModule(engine, "l", [3], [4], [{ from: 0, to: 0, weight: randomMatrix(3, 4, 5) }])],
    ["activation", () => activationModule(engine, "a", [4], activationFunction("gelu"))],
    ["attention", () => attentionModule(engine, "attn_out.0", attention(), [])],
    ["grouped attention with rotary positions", () => attentionModule(engine, "attn_out.0", attention({ ...wide, ...grouped, rotary: rotary() }), [4])],
    ["gated activation", () => gatedActivationModule(engine, "a", 4, [3], activationFunction("silu"))],
    ["variance", () => normVarianceModule(engine, "n", norms[0], [4])],
    ["division", () => normDivideModule(engine, "n", norms[0], [1, 4], true)],
    ["last position", () => lastPositionModule(engine, "p", [4, 2])],
  ])("may come with a sample axis of 1: %s", async (_name, make) => {
    const module = make();
    const run = module.forward(randomInputs(module, 12));
    const next = gaussian(13);
    const one = run.outputs.map(({ shape: [, time, width] }) => engine.tensor(Float64Array.from({ length: 2 * time * width }, next), [1, 2, time, width]));
    const repeated = one.map((tensor) => engine.concat(Array.from({ length: samples }, () => tensor), 0));
    const narrow = module.vjp(run.saved, one);
    const widened = module.vjp(run.saved, repeated);
    for (const [index, tensor] of narrow.entries()) {
      const difference = await engine.read(engine.sub(tensor, widened[index]));
      expect(Math.max(...difference.map(Math.abs))).toBeLessThan(1e-13);
    }
  });
});

describe("attention", () => {
  it("lets no output see later positions when it is causal", async () => {
    const module = attentionModule(engine, "attn_out.0", attention(), []);
    const run = module.forward(randomInputs(module, 14));
    const firstOutput = new Float64Array(positions * 5);
    firstOutput[0] = 1;
    const pulled = module.vjp(run.saved, [engine.tensor(firstOutput, [1, 1, positions, 5])]);
    for (const tensor of pulled) {
      const later = await engine.read(engine.slice(tensor, [0, 0, 1, 0], [samples, 1, positions - 1, tensor.shape[3]]));
      expect(Math.max(...later.map(Math.abs))).toBe(0);
    }
  });
});

describe("attention in single precision", () => {
  it.each([["plain", {}], ["grouped", grouped]])("is not harmed by what all keys and all values share: %s", async (_name, changes) => {
    const single = await referenceEngine("float32");
    const next = gaussian(30);
    const shape = attention(changes);
    const widths = attentionModule(engine, "attn_out.0", shape, []).inputWidths;
    // Halves of whole numbers, so that both precisions start from the same values.
    const inputs = widths.map((width, index) => Float64Array.from({ length: samples * positions * width }, () => Math.round(2 * next()) / 2 + (index > 0 ? 3000 : 0)));
    const cotangent = Float64Array.from({ length: 3 * positions * 5 }, () => Math.round(4 * next()) / 4);
    const run = async (on: Engine): Promise<number[][]> => {
      const module = attentionModule(on, "attn_out.0", shape, []);
      const { outputs, saved } = module.forward(inputs.map((values, index) => on.tensor(values, [samples, positions, widths[index]])));
      const results = [...outputs, ...module.vjp(saved, [on.tensor(cotangent, [1, 3, positions, 5])])];
      return Promise.all(results.map(async (one) => Array.from(await on.read(one))));
    };
    const [exact, rounded] = [await run(engine), await run(single)];
    exact.forEach((values, index) => {
      const scale = Math.max(...values.map(Math.abs));
      expect(Math.max(...values.map((value, at) => Math.abs(value - rounded[index][at]))) / scale).toBeLessThan(1e-5);
    });
  });
});

describe("a linear module's matrix", () => {
  it("does what the module does, blocks and identities together", async () => {
    const terms: LinearTerm[] = [{ from: 0, to: 1, weight: randomMatrix(3, 2, 15) }, { from: 1, to: 1, weight: null }, { from: 0, to: 0, weight: null }];
    const module = linearModule(engine, "l", [3, 2], [3, 2], terms);
    const inputs = randomInputs(module, 16);
    const whole = linearMatrix([3, 2], [3, 2], terms);
    const product = engine.matMul(engine.concat(inputs, 2), engine.tensor(whole.data, [whole.rows, whole.cols]));
    const difference = await engine.read(engine.sub(product, engine.concat(module.forward(inputs).outputs, 2)));
    expect(Math.max(...difference.map(Math.abs))).toBeLessThan(1e-14);
  });
});

describe("the constant component", () => {
  it.each(activations)("is 1 after %s", async (name) => {
    const activation = activationFunction(name, 0.2);
    const module = activationModule(engine, "a", [3], activation);
    const [out] = module.forward([engine.tensor([0.3, -0.4, activation.constantRoot], [1, 1, 3])]).outputs;
    expect((await engine.read(out))[2]).toBeCloseTo(1, 14);
  });
});
