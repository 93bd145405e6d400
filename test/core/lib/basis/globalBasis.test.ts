import { beforeAll, describe, expect, it } from "vitest";
import type { LayerBasis } from "../../../../server/src/core/lib/basis/layerBasis";
import type { Network } from "../../../../server/src/core/network/network";
import type { Engine } from "../../../../server/src/engine/engine";
import { activationsAt, analyze, relativeDifference } from "../../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, vectors } from "../../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const inputs = vectors(150, 5, gaussian(2));
const perceptron = (activation: "relu" | "identity" = "relu"): Network => mlpOf(mlpWeights([5, 8, 7, 6, 3], 1), engine, activation);

/** Difference of Lambda and the transforms from feature `first` on, each column up to its sign. */
function basisDifference(a: LayerBasis, b: LayerBasis, first = 0): number {
  if (a.C.cols !== b.C.cols) return Infinity;
  let largest = relativeDifference(a.lambda.slice(first), b.lambda.slice(first));
  for (let col = first; col < a.C.cols; col += 1) {
    const [left, right] = [a.C, b.C].map(({ rows, cols, data }) => Float64Array.from({ length: rows }, (_, row) => data[row * cols + col]));
    largest = Math.max(largest, Math.min(relativeDifference(left, right), relativeDifference(left.map((value) => -value), right)));
  }
  return largest;
}

describe("the global basis (method 2.8)", () => {
  it("is the local one at the penultimate and at the last layer, and another before", async () => {
    for (const rotateOutput of [false, true]) {
      const [local, global] = [await analyze(perceptron(), inputs, { rotateOutput }), await analyze(perceptron(), inputs, { rotateOutput, global: true })];
      expect(basisDifference(global.bases[3], local.bases[3])).toBe(0);
      if (rotateOutput) expect(basisDifference(global.bases[4], local.bases[4])).toBe(0);
      expect(relativeDifference(global.edges("lib", 3), local.edges("lib", 3))).toBe(0);
      expect(relativeDifference(global.bases[0].lambda, local.bases[0].lambda)).toBeGreaterThan(1e-3);
    }
  });

  it("is the local one wherever what follows the next layer is linear", async () => {
    // The section after layer 2 ends with relu; the one after layer 3 is linear: so layer 2 agrees, layer 1 does not. The constant's own
    // importance differs: the local basis of layer 3 leaves its correlation with the others out.
    const [local, global] = [await analyze(perceptron(), inputs), await analyze(perceptron(), inputs, { global: true })];
    expect(basisDifference(global.bases[2], local.bases[2], 1)).toBeLessThan(1e-9);
    expect(relativeDifference(global.bases[1].lambda, local.bases[1].lambda)).toBeGreaterThan(1e-3);
    const [linear, globalLinear] = [await analyze(perceptron("identity"), inputs), await analyze(perceptron("identity"), inputs, { global: true })];
    for (const [layer, basis] of linear.bases.entries()) expect(relativeDifference(globalLinear.bases[layer].lambda.slice(1), basis.lambda.slice(1))).toBeLessThan(1e-10);
    expect(globalLinear.bases[0].C.cols).toBe(linear.bases[0].C.cols);
  });

  it("is what an analysis of that layer and the last alone finds", async () => {
    const tokenInputs = tokens(30, smallTransformer.context, smallTransformer.vocabulary, 2);
    const build = (): Network => transformerOf(transformerWeights({ ...smallTransformer, blocks: 2 }, 1), engine, { lastPositionOnly: "add_resid1" });
    const nodeLayers = ["ln1.0", "ln2.0", "ln1.1", "unembed", "output"];
    const global = await analyze(build(), tokenInputs, { nodeLayers, global: true, edgeBases: ["lib"] });
    for (const [layer, name] of nodeLayers.slice(0, -1).entries()) {
      const alone = await analyze(build(), tokenInputs, { nodeLayers: [name, "output"], edgeBases: [] });
      expect(basisDifference(global.bases[layer], alone.bases[0])).toBeLessThan(1e-9);
    }
    const { between, sections } = global.network;
    const x = engine.tensor((await activationsAt(global.network, tokenInputs, 0)).data, [30, smallTransformer.context, smallTransformer.width + 1]);
    const stepwise = sections.reduce((current, section) => section.forward(current).output, x);
    const whole = between(0, 4).forward(x).output;
    expect(relativeDifference(Float64Array.from(await engine.read(whole)), Float64Array.from(await engine.read(stepwise)))).toBeLessThan(1e-14);
  });
});
