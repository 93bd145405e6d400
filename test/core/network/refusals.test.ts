import { beforeAll, describe, expect, it } from "vitest";
import { automaticBatchSize, networkBatches } from "../../../server/src/core/network/batches";
import { buildMlp, type MlpDescription } from "../../../server/src/core/network/mlp";
import { NetworkError } from "../../../server/src/core/network/networkError";
import type { HostTensor, Weights } from "../../../server/src/core/network/weights";
import type { Engine } from "../../../server/src/engine/engine";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, vectors } from "../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const sizes = smallTransformer;
function transformer(change: (weights: Map<string, HostTensor>) => void = () => undefined): Weights {
  const weights = transformerWeights(sizes, 1);
  change(weights);
  return weights;
}

function messageOf(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(NetworkError);
    return (error as Error).message;
  }
  throw new Error("Nothing was refused.");
}

describe("what cannot be built is refused in one sentence that says what to do", () => {
  const layer = (index: number, order: "in,out" | "out,in" = "in,out"): MlpDescription["layers"][number] =>
    ({ name: `fc${index}`, weight: `w${index}`, bias: `b${index}`, order });

  it("perceptrons", () => {
    const weights = mlpWeights([4, 6, 3], 1);
    const build = (layers: MlpDescription["layers"]) => () => buildMlp(weights, { family: "mlp", activation: "relu", layers }, engine);
    expect(messageOf(build([]))).toMatch(/no affine layer/);
    expect(messageOf(build([layer(0), layer(7)]))).toMatch(/no parameter "w7"/);
    expect(messageOf(build([layer(1), layer(0)]))).toMatch(/"fc1" gives 3 values, but layer "fc0" takes 4.*weightOrder/);
    expect(messageOf(build([layer(0, "out,in"), layer(1)]))).toMatch(/"b0" has shape \[6\], but \[4\] is needed/);
  });

  it("transformers", () => {
    expect(messageOf(() => transformerOf(transformer(), engine, { normalization: "BN" }))).toMatch(/normalization "BN", which cannot be analysed.*LNPre/);
    expect(messageOf(() => transformerOf(transformer(), engine, { lastPositionOnly: "mlp_out.0" }))).toMatch(/lastPositionOnly "mlp_out.0" is not supported/);
    expect(messageOf(() => transformerOf(transformer(), engine, { lastPositionOnly: "add_resid1.3" }))).toMatch(/"add_resid1.0"/);
    expect(messageOf(() => transformerOf(transformer((weights) => void weights.delete("blocks.0.attn.W_K")), engine))).toMatch(/no parameter "blocks.0.attn.W_K"/);
    expect(messageOf(() => transformerOf(transformer((weights) => void weights.delete("blocks.0.attn.W_Q")), engine))).toMatch(/blocks.0.attn.W_Q/);
    expect(messageOf(() => transformerOf(transformer((weights) => weights.set("pos_embed.W_pos", { shape: [4, 5], values: new Float32Array(20) })), engine)))
      .toMatch(/"pos_embed.W_pos" has shape \[4, 5\], but \[any, 6\] is needed/);
  });

  it("data of another kind or size", () => {
    const perceptron = mlpOf(mlpWeights([4, 6, 3], 1), engine);
    expect(messageOf(() => perceptron.encode(vectors(2, 5, gaussian(1)), 0, 2))).toMatch(/vectors of 4 values, but the data gives vectors of 5 values/);
    expect(messageOf(() => perceptron.encode(tokens(2, 3, 7, 1), 0, 2))).toMatch(/gives tokens/);
    const language = transformerOf(transformer(), engine);
    expect(messageOf(() => language.encode(vectors(2, 5, gaussian(1)), 0, 2))).toMatch(/takes tokens/);
    expect(messageOf(() => language.encode(tokens(2, 5, 7, 1), 0, 2))).toMatch(/5 tokens per sample, but the network has 4 positions/);
    expect(messageOf(() => language.encode({ ...tokens(1, 4, 7, 1), values: Int32Array.of(0, 1, 7, 2) }, 0, 1))).toMatch(/token 7, but the network knows the tokens 0 to 6/);
  });
});

describe("a network", () => {
  it("counts the parameters that it uses, as they were before folding", () => {
    expect(mlpOf(mlpWeights([4, 6, 3], 1), engine).parameterCount).toBe(4 * 6 + 6 + 6 * 3 + 3);
    const used = [...transformerWeights(sizes, 1).values()].reduce((sum, { values }) => sum + values.length, 0);
    const withMask = transformer((weights) => weights.set("blocks.0.attn.mask", { shape: [4, 4], values: new Float32Array(16) }));
    expect(transformerOf(withMask, engine).parameterCount).toBe(used);
  });

  it("gives its data in batches, again and again, as many samples as asked for", () => {
    const network = mlpOf(mlpWeights([4, 6, 3], 1), engine);
    const source = networkBatches(network, vectors(10, 4, gaussian(1)), 4, 9);
    for (let pass = 0; pass < 2; pass += 1) expect([...source].map(({ count }) => count)).toEqual([4, 4, 1]);
    expect(source.samples).toBe(9);
    expect(automaticBatchSize(network, vectors(10, 4, gaussian(1)))).toBe(10);
  });

  it("takes larger batches of bytes than of numbers", () => {
    const network = mlpOf(mlpWeights([4000, 6, 3], 1), engine);
    const bytes = { kind: "bytes", values: new Uint8Array(4000 * 1000), meaning: new Float32Array(256), count: 1000, width: 4000 } as const;
    expect(automaticBatchSize(network, bytes)).toBeGreaterThan(automaticBatchSize(network, vectors(1000, 4000, gaussian(1))));
  });

  it("takes larger batches when its logits are not computed, and smaller ones when attention scores are large", () => {
    const wide = transformerOf(transformerWeights({ ...sizes, context: 5000, outputs: 3000 }, 1), engine);
    const short = tokens(1000, 4, sizes.vocabulary, 1);
    expect(automaticBatchSize(wide, short, wide.modules.slice(0, -1))).toBeGreaterThan(automaticBatchSize(wide, short));
    const most = (positions: number): number => Math.floor(16e6 / (positions * positions * sizes.heads * 8));
    expect(automaticBatchSize(wide, tokens(1000, 400, sizes.vocabulary, 1), wide.modules.slice(0, -1))).toBeLessThanOrEqual(most(400));
  });
});
