import { beforeAll, describe, expect, it } from "vitest";
import { networkBatches } from "../../../server/src/core/network/batches";
import { buildMlp } from "../../../server/src/core/network/mlp";
import { evaluateNetwork, type Network, type NetworkInputs } from "../../../server/src/core/network/network";
import { cutIntoSections } from "../../../server/src/core/network/section";
import type { Engine } from "../../../server/src/engine/engine";
import type { ActivationName } from "../../../server/src/protocol/spec";
import {
  gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, usualNodeLayers, vectors,
} from "../support/networks";
import { affine, plainMlp, plainTransformer } from "../support/plainNetworks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const plainActivations: [ActivationName, (x: number) => number][] = [
  ["relu", (x) => Math.max(0, x)],
  ["gelu_new", (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  ["tanh", Math.tanh],
  ["sigmoid", (x) => 1 / (1 + Math.exp(-x))],
  ["silu", (x) => x / (1 + Math.exp(-x))],
  ["leaky_relu", (x) => (x > 0 ? x : 0.3 * x)],
  ["identity", (x) => x],
];

async function outputs(network: Network, inputs: NetworkInputs): Promise<number[]> {
  const values: number[] = [];
  for (const batch of networkBatches(network, inputs, 4)) values.push(...await engine.read(evaluateNetwork(network, batch.tensors)));
  return values;
}

function expectClose(actual: readonly number[], wanted: readonly number[], tolerance = 1e-11): void {
  expect(actual.length).toBe(wanted.length);
  const scale = Math.max(...wanted.map(Math.abs));
  expect(Math.max(...actual.map((value, index) => Math.abs(value - wanted[index]))) / scale).toBeLessThan(tolerance);
}

describe("folding the bias changes nothing", () => {
  it.each(plainActivations)("in a perceptron with %s", async (name, plain) => {
    const weights = mlpWeights([5, 8, 6, 3], 1);
    const inputs = vectors(10, 5, gaussian(2));
    const wanted = Array.from({ length: 10 }, (_, row) => plainMlp(weights, [...inputs.values.slice(row * 5, row * 5 + 5)], plain)).flat();
    expectClose(await outputs(mlpOf(weights, engine, name, 0.3), inputs), wanted);
  });

  it("in a perceptron with an activation of its own after every layer, the last one too", async () => {
    const weights = mlpWeights([5, 8, 6, 3], 10);
    const inputs = vectors(10, 5, gaussian(11));
    const plain = Object.fromEntries(plainActivations);
    for (const [first, second, last] of [["silu", "tanh", "sigmoid"], ["sigmoid", "leaky_relu", "tanh"], ["identity", "gelu_new", "relu"]] as const) {
      const network = buildMlp(weights, {
        family: "keras",
        activation: "relu",
        layers: [first, second, last].map((name, layer) => (
          { name: `dense_${layer}`, weight: `w${layer}`, bias: `b${layer}`, order: "in,out", activation: { name, negativeSlope: 0.3 } }
        )),
      }, engine);
      const wanted = Array.from({ length: 10 }, (_, row) => {
        const x = [...inputs.values.slice(row * 5, row * 5 + 5)];
        return [first, second, last].reduce<readonly number[]>((current, name, layer) => (
          affine(current, weights.get(`w${layer}`)!, weights.get(`b${layer}`)).map(plain[name])
        ), x);
      }).flat();
      expectClose(await outputs(network, inputs), wanted);
      expect(cutIntoSections(network, usualNodeLayers(network)).sections.map(({ structure }) => structure.kind)).toEqual(Array(3).fill("affine-activation"));
    }
  });

  it("in a perceptron without biases, and with weights stored [out, in]", async () => {
    const weights = mlpWeights([4, 5, 3], 3, { bias: false });
    const inputs = vectors(6, 4, gaussian(4));
    const wanted = Array.from({ length: 6 }, (_, row) => plainMlp(weights, [...inputs.values.slice(row * 4, row * 4 + 4)], Math.tanh)).flat();
    expectClose(await outputs(mlpOf(weights, engine, "tanh"), inputs), wanted);
  });

  it.each([1, 2])("in a transformer of %i block(s)", async (blocks) => {
    const sizes = { ...smallTransformer, blocks };
    const weights = transformerWeights(sizes, 5);
    const inputs = tokens(6, sizes.context, sizes.vocabulary, 6);
    const samples = Array.from({ length: 6 }, (_, row) => [...inputs.values.slice(row * 4, row * 4 + 4)]);
    const all = samples.map((ids) => plainTransformer(weights, sizes, ids));
    expectClose(await outputs(transformerOf(weights, engine), inputs), all.flat(2));
    const last = transformerOf(weights, engine, { lastPositionOnly: "add_resid1" });
    expectClose(await outputs(last, inputs), all.flatMap((logits) => logits[sizes.context - 1]));
  });

  it("in the derivative with respect to the inputs", async () => {
    const weights = mlpWeights([3, 7, 2], 7);
    const gelu = plainActivations[1][1];
    const network = mlpOf(weights, engine, "gelu_new");
    const [section] = cutIntoSections(network, ["layers.0", "output"]).sections;
    const x = [0.3, -0.8, 0.5];
    const run = section.forward(engine.tensor([...x, 1], [1, 1, 4]));
    const jacobian = await engine.read(section.vjp(run, engine.tensor([1, 0, 0, 1], [1, 2, 1, 2])));
    const step = 1e-5;
    for (let input = 0; input < 3; input += 1) {
      const moved = (sign: number): number[] => plainMlp(weights, x.map((value, index) => value + (index === input ? sign * step : 0)), gelu);
      const up = moved(1);
      const down = moved(-1);
      for (let output = 0; output < 2; output += 1) expect(jacobian[output * 4 + input]).toBeCloseTo((up[output] - down[output]) / (2 * step), 8);
    }
  });
});

describe("the constant component", () => {
  it.each(plainActivations.map(([name]) => name))("is 1 at every node layer of a perceptron with %s", async (name) => {
    const network = mlpOf(mlpWeights([5, 8, 6, 3], 8), engine, name, 0.3);
    const { pre, sections } = cutIntoSections(network, usualNodeLayers(network));
    let x = pre(network.encode(vectors(7, 5, gaussian(9)), 0, 7));
    for (const section of sections) {
      const values = await engine.read(x);
      for (let row = 1; row <= 7; row += 1) expect(values[row * section.inputWidth - 1]).toBeCloseTo(1, 13);
      x = section.forward(x).output;
    }
  });
});
