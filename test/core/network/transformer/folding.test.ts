import { beforeAll, describe, expect, it } from "vitest";
import { evaluateNetwork, runModules, type Network } from "../../../../server/src/core/network/network";
import { NetworkError } from "../../../../server/src/core/network/networkError";
import { buildTransformer } from "../../../../server/src/core/network/transformer/buildTransformer";
import type { TransformerDescription, TransformerWeights } from "../../../../server/src/core/network/transformer/description";
import type { Engine } from "../../../../server/src/engine/engine";
import { referenceEngine, tokens } from "../../support/networks";
import { plainForward } from "../../support/plainTransformer";
import { context, descriptions, outputs, randomWeights, vocabulary } from "../../support/transformers";

let engine: Engine;
let single: Engine;
beforeAll(async () => {
  engine = await referenceEngine();
  single = await referenceEngine("float32");
});

const samples = 5;
const inputs = tokens(samples, context, vocabulary, 3);
const ids = Array.from({ length: samples }, (_, row) => [...inputs.values.slice(row * context, (row + 1) * context)]);
const cases = Object.entries(descriptions);

/** Largest difference from the plain network over the largest logit. */
async function deviation(network: Network, weights: TransformerWeights, description: TransformerDescription): Promise<number> {
  const actual = await network.engine.read(evaluateNetwork(network, network.encode(inputs, 0, samples)));
  const last = description.lastPositionOnly !== null;
  const wanted = ids.flatMap((sample) => plainForward(weights, description, sample).slice(last ? -1 : 0)).flat();
  expect(actual.length).toBe(wanted.length);
  const scale = Math.max(...wanted.map(Math.abs));
  return Math.max(...wanted.map((value, index) => Math.abs(value - actual[index]))) / scale;
}

describe("folding biases and norm parameters changes nothing", () => {
  it.each(cases)("%s", async (_name, description) => {
    for (const plain of [false, true]) {
      const weights = randomWeights(description, 1, { plain });
      expect(await deviation(buildTransformer(weights, description, engine), weights, description)).toBeLessThan(1e-11);
    }
  });

  it.each(cases)("%s, read at the last position", async (_name, description) => {
    const weights = randomWeights(description, 2);
    const changed = { ...description, lastPositionOnly: "add_resid1" };
    expect(await deviation(buildTransformer(weights, changed, engine), weights, changed)).toBeLessThan(1e-11);
  });

  it.each(cases)("%s, in single precision up to its rounding", async (_name, description) => {
    const weights = randomWeights(description, 3);
    expect(await deviation(buildTransformer(weights, description, single), weights, description)).toBeLessThan(2e-5);
  });
});

describe("the constant component", () => {
  it.each(cases)("ends every tensor of %s that carries one, with the value 1", async (_name, description) => {
    const network = buildTransformer(randomWeights(description, 4), description, engine);
    for (let end = 0; end < network.modules.length; end += 1) {
      const tensors = runModules(network.modules.slice(0, end), network.encode(inputs, 0, samples));
      const stream = tensors.at(-1)!;
      const width = stream.shape[2];
      const values = await engine.read(stream);
      // Before add_embed the positions carry it, and before an addition the stream does: always the last tensor.
      for (let index = width - 1; index < values.length; index += width) expect(values[index]).toBeCloseTo(1, 12);
    }
  });
});

describe("descriptions and weights that do not fit", () => {
  const description = descriptions["llama"];
  const refusal = (changes: Partial<TransformerDescription>, weights: Partial<TransformerWeights> = {}): string => {
    try {
      buildTransformer({ ...randomWeights(description, 5), ...weights }, { ...description, ...changes }, engine);
    } catch (error) {
      expect(error).toBeInstanceOf(NetworkError);
      return (error as Error).message;
    }
    throw new Error("Nothing was refused.");
  };
  const { attention, positions } = description;
  const rotary = positions.kind === "rotary" ? positions.rotary : null;
  it("are refused in one sentence that says where", () => {
    expect(refusal({ attention: { ...attention, keyValueHeads: 3 } })).toMatch(/4 heads of width 4 cannot share 3 keys/);
    expect(refusal({ attention: { ...attention, keyValueHeads: 4 } })).toMatch(/key of block 0 has a weight of \[8, 8\], but \[8, 16\] is needed/);
    expect(refusal({ attention: { ...attention, windows: [1] } })).toMatch(/given for 1 blocks, but the model has 2/);
    expect(refusal({ attention: { ...attention, windows: [1, 0] } })).toMatch(/window of 0 positions/);
    expect(refusal({ mlp: { gated: false, activation: "relu" } })).toMatch(/MLP of block 0 has a gate/);
    expect(refusal({ normalization: null })).toMatch(/norm of block 0 has parameters|final norm has parameters/);
    expect(refusal({ normalization: { kind: "rms-norm", epsilon: -1 } })).toMatch(/epsilon is -1/);
    expect(refusal({ positions: { kind: "learned" } })).toMatch(/no table of positions/);
    expect(refusal({ positions: { kind: "none", context: 0 } })).toMatch(/context of 0/);
    expect(refusal({ positions: { kind: "rotary", context, rotary: { ...rotary!, dimensions: 6 } } })).toMatch(/turn 6 components.*at most 4/);
    expect(refusal({ positions: { kind: "rotary", context, rotary: { ...rotary!, base: 0 } } })).toMatch(/must be positive/);
    expect(refusal({ lastPositionOnly: "ln2.0" })).toMatch(/lastPositionOnly "ln2.0"/);
    expect(refusal({}, { blocks: 0 })).toMatch(/no blocks/);
    expect(refusal({}, { finalNorm: { gain: [1, 2], bias: null } })).toMatch(/final norm has 2 values for a width of 8/);
    expect(refusal({}, { unembed: { weight: { rows: 8, cols: 2, data: new Float64Array(16) }, bias: [1] } })).toMatch(/1 biases for 2 outputs/);
  });

  it("while a network that fits knows its sizes", () => {
    const network = buildTransformer(randomWeights(description, 5), description, engine);
    expect(network.input).toEqual({ kind: "tokens", vocabulary, maxPositions: context });
    expect(network.modules.at(-1)!.outputWidths).toEqual([outputs]);
  });
});
