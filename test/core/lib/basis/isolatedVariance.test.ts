import { beforeAll, describe, expect, it } from "vitest";
import { principalDirections } from "../../../../server/src/core/lib/basis/pca";
import { matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import type { Network } from "../../../../server/src/core/network/network";
import { buildTransformer } from "../../../../server/src/core/network/transformer/buildTransformer";
import type { Engine } from "../../../../server/src/engine/engine";
import { activationsAt, analyze, relativeDifference, type RunOptions } from "../../support/analysis";
import { referenceEngine, tokens } from "../../support/networks";
import { context, descriptions, randomWeights, vocabulary } from "../../support/transformers";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const inputs = tokens(25, context, vocabulary, 4);
const kinds = ["GPT-2", "GPT-NeoX", "llama"] as const;
const build = (kind: string): Network => buildTransformer(randomWeights(descriptions[kind], 1, { blocks: 1 }), descriptions[kind], engine);
const nodeLayers = ["ln1.0", "ln1_out.0", "ln2_out.0", "output"];
const run = (kind: string, options: RunOptions = {}): ReturnType<typeof analyze> => analyze(build(kind), inputs, { nodeLayers, edgeBases: ["lib"], ...options });

describe("the variance of a norm at a node layer (method 1.5, 8.2)", () => {
  describe.each(kinds)("of %s", (kind) => {
    it.each([true, false])("is read by its own feature only, and written by it only (centred: %s)", async (center) => {
      const { bases, layers } = await run(kind, { center });
      const feature = center ? 1 : 0;
      for (const layer of [1, 2]) {
        const { C, CPinv, W, WPinv, masked } = bases[layer];
        expect(masked).toBe(feature + 1);
        expect(layers[layer].facts?.apart).toEqual(center ? ["constant", "variance"] : ["variance"]);
        for (const [into, outOf] of [[C, CPinv], [W, WPinv]] as const) {
          for (let other = 0; other < into.cols; other += 1) if (other !== feature) expect(into.data[other]).toBe(0);
          expect(Math.abs(into.data[feature])).toBeGreaterThan(0);
          // C_pinv[variance, 1:] = 0
          for (let col = 1; col < outOf.cols; col += 1) expect(outOf.data[feature * outOf.cols + col]).toBe(0);
        }
      }
      expect(layers[0].facts?.apart).toEqual(center ? ["constant"] : []);
    });

    it("has its mean square as importance, like every other feature, and a left inverse", async () => {
      const { network, bases } = await run(kind);
      for (const layer of [1, 2]) {
        const { C, CPinv, lambda } = bases[layer];
        const activations = await activationsAt(network, inputs, layer);
        const features = multiply(activations, C);
        const squares = new Float64Array(C.cols);
        features.data.forEach((value, at) => { squares[at % C.cols] += value ** 2 / features.rows; });
        expect(relativeDifference(squares, lambda)).toBeLessThan(1e-8);
        const product = multiply(CPinv, C);
        product.data.forEach((value, at) => expect(value).toBeCloseTo(at % (product.cols + 1) === 0 ? 1 : 0, 7));
        expect([...lambda.slice(2)]).toEqual([...lambda.slice(2)].sort((a, b) => b - a));
      }
    });
  });

  it("mixes with the others when it is not isolated", async () => {
    const { bases, layers } = await run("GPT-2", { isolateVariance: false });
    const { C, masked } = bases[1];
    expect(masked).toBe(1);
    expect(layers[1].facts?.apart).toEqual(["constant"]);
    expect([...C.data.slice(0, C.cols)].filter((value) => Math.abs(value) > 1e-6).length).toBeGreaterThan(1);
  });

  it("does not depend on the batch size", async () => {
    const [one, other] = [await run("GPT-2"), await run("GPT-2", { batchSize: 7 })];
    for (const [layer, { lambda }] of one.bases.entries()) expect(relativeDifference(other.bases[layer].lambda, lambda)).toBeLessThan(1e-11);
    for (const section of [0, 1, 2]) expect(relativeDifference(other.edges("lib", section), one.edges("lib", section))).toBeLessThan(1e-9);
  });

  it("leaves everything else as if its row and column were absent", () => {
    const gram = matrix(4, 4, Float64Array.of(5, 0.5, 0.25, 0, 0.5, 3, 1, 0, 0.25, 1, 2, 0, 0, 0, 0, 1));
    const { values, vectors, masked } = principalDirections(gram, true, true);
    const without = principalDirections(matrix(3, 3, Float64Array.of(3, 1, 0, 1, 2, 0, 0, 0, 1)), true);
    expect(masked).toBe(2);
    expect([...values]).toEqual([1, 5, ...without.values.slice(1)]);
    expect([0, 1, 2, 3].map((row) => vectors.data[row * 4])).toEqual([0, 0, 0, 1]);
    expect([0, 1, 2, 3].map((row) => vectors.data[row * 4 + 1])).toEqual([1, 0, 0, 0]);
    expect([2, 3].map((col) => vectors.data[col])).toEqual([0, 0]);
  });
});
