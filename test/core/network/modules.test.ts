import { beforeAll, describe, expect, it } from "vitest";
import { activationFunction } from "../../../server/src/core/network/activationFunction";
import { activationModule } from "../../../server/src/core/network/activationModule";
import { attentionModule } from "../../../server/src/core/network/attentionModule";
import { lastPositionModule } from "../../../server/src/core/network/lastPositionModule";
import { linearMatrix, linearModule } from "../../../server/src/core/network/linearModule";
import type { AttentionShape, LinearTerm, Module } from "../../../server/src/core/network/module";
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
  heads: 2, queryWidth: 3, valueWidth: 4, scale: 1 / Math.sqrt(3), causal: true, output: randomMatrix(8, 5, 11), ...changes,
});

describe("vector-Jacobian products agree with finite differences", () => {
  it.each(activations)("activation %s, with the residual stream handed on", async (name) => {
    const module = activationModule(engine, "mlp_act.0", [6, 3], activationFunction(name, 0.2));
    expect(await vjpDeviation(engine, module, randomInputs(module, 1), 2)).toBeLessThan(1e-8);
  });

  it.each([
    ["causal", attention()],
    ["full", attention({ causal: false })],
    ["unscaled", attention({ scale: 1 })],
  ])("%s attention", async (_name, shape) => {
    const module = attentionModule(engine, "attn_out.0", shape, [5]);
    expect(await vjpDeviation(engine, module, randomInputs(module, 3), 4)).toBeLessThan(1e-8);
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
    const module = lastPositionModule(engine, "last_position.0", 3);
    expect(await vjpDeviation(engine, module, randomInputs(module, 9), 10)).toBeLessThan(1e-8);
  });
});

describe("cotangents that are the same for all samples", () => {
  it.each([
    ["linear", () => linearModule(engine, "l", [3], [4], [{ from: 0, to: 0, weight: randomMatrix(3, 4, 5) }])],
    ["activation", () => activationModule(engine, "a", [4], activationFunction("gelu"))],
    ["attention", () => attentionModule(engine, "attn_out.0", attention(), [])],
    ["last position", () => lastPositionModule(engine, "p", 4)],
  ])("may come with a sample axis of 1: %s", async (_name, make) => {
    const module = make();
    const run = module.forward(randomInputs(module, 12));
    const next = gaussian(13);
    const one = run.outputs.map(({ shape: [, time, width] }) => engine.tensor(Float64Array.from({ length: 2 * time * width }, next), [1, 2, time, width]));
    const repeated = one.map((tensor) => engine.concat(Array.from({ length: samples }, () => tensor), 0));
    const narrow = module.vjp(run.saved, one);
    const wide = module.vjp(run.saved, repeated);
    for (const [index, tensor] of narrow.entries()) {
      const difference = await engine.read(engine.sub(tensor, wide[index]));
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
