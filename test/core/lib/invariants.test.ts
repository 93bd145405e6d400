import { beforeAll, describe, expect, it } from "vitest";
import { jacobianGramByVjp } from "../../../server/src/core/lib/basis/jacobianGram";
import { integrationPoints } from "../../../server/src/core/lib/sources/integration";
import { ActivationSource } from "../../../server/src/core/lib/statistics/activationSource";
import { slice } from "../../../server/src/core/linalg/arrange";
import { diagonalMatrix, identity, scale } from "../../../server/src/core/linalg/elementary";
import { multiply } from "../../../server/src/core/linalg/multiply";
import { networkBatches } from "../../../server/src/core/network/batches";
import type { Module } from "../../../server/src/core/network/module";
import type { Network, NetworkInputs } from "../../../server/src/core/network/network";
import { buildTransformer } from "../../../server/src/core/network/transformer/buildTransformer";
import type { Engine } from "../../../server/src/engine/engine";
import { activationsAt, analyze, relativeDifference, type Analysis } from "../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, vectors } from "../support/networks";
import { context, descriptions, randomWeights, vocabulary } from "../support/transformers";

interface Case { readonly name: string; build(engine: Engine): { network: Network; inputs: NetworkInputs } }

const mlpCase = (activation: Parameters<typeof mlpOf>[2]): Case => ({
  name: `perceptron with ${activation}`,
  build: (engine) => ({ network: mlpOf(mlpWeights([5, 8, 7, 4], 1), engine, activation, 0.2), inputs: vectors(300, 5, gaussian(2)) }),
});
const transformerCase = (lastPositionOnly: string | null, blocks: number): Case => ({
  name: `transformer of ${blocks} block(s), last position after ${lastPositionOnly ?? "nothing"}`,
  build: (engine) => ({
    network: transformerOf(transformerWeights({ ...smallTransformer, blocks }, 3), engine, { lastPositionOnly }),
    inputs: tokens(200, smallTransformer.context, smallTransformer.vocabulary, 4),
  }),
});

const languageCase = (name: string, lastPositionOnly: string | null): Case => ({
  name: `${name}, last position after ${lastPositionOnly ?? "nothing"}`,
  build: (engine) => {
    const description = { ...descriptions[name], lastPositionOnly };
    return { network: buildTransformer(randomWeights(description, 5), description, engine), inputs: tokens(30, context, vocabulary, 6) };
  },
});

const cases = [
  mlpCase("relu"), mlpCase("gelu"), mlpCase("tanh"), mlpCase("leaky_relu"), transformerCase("add_resid1", 1), transformerCase(null, 1), transformerCase("add_resid1", 2),
  languageCase("GPT-2", "add_resid1"), languageCase("GPT-Neo", null), languageCase("GPT-NeoX", "add_resid1"), languageCase("llama", null),
];

describe.each(cases)("LIB of a $name", ({ build }) => {
  let analysis: Analysis;
  let network: Network;
  let inputs: NetworkInputs;
  beforeAll(async () => {
    ({ network, inputs } = build(await referenceEngine()));
    analysis = await analyze(network, inputs);
  });

  it("has a left inverse: CPinv C = 1, WPinv W = 1", () => {
    for (const { C, CPinv, W, WPinv } of analysis.bases) {
      expect(relativeDifference(multiply(CPinv, C), identity(C.cols))).toBeLessThan(1e-10);
      expect(relativeDifference(multiply(WPinv, W), identity(W.cols))).toBeLessThan(1e-12);
    }
  });

  it("has features of mean 0 and second moment diag(Lambda); the constant feature is sqrt(Lambda_0)", async () => {
    for (const [layer, { C, lambda }] of analysis.bases.entries()) {
      const features = multiply(await activationsAt(analysis.network, inputs, layer), C);
      const moments = scale(multiply(features, features, { transposeA: true }), 1 / features.rows);
      expect(relativeDifference(moments, diagonalMatrix(lambda))).toBeLessThan(1e-11);
      const constant = Math.sqrt(lambda[0]);
      for (let row = 0; row < features.rows; row += 1) expect(Math.abs(Math.abs(features.data[row * features.cols]) - constant) / constant).toBeLessThan(1e-11);
      for (let feature = 1; feature < features.cols; feature += 1) {
        let sum = 0;
        for (let row = 0; row < features.rows; row += 1) sum += features.data[row * features.cols + feature];
        expect(Math.abs(sum / features.rows) / Math.sqrt(lambda[feature])).toBeLessThan(1e-9);
      }
    }
  });

  it("sorts Lambda with the constant first", () => {
    for (const { lambda, D } of analysis.bases) {
      for (const values of [lambda, D]) expect([...values.slice(1)]).toEqual([...values.slice(1)].sort((a, b) => b - a));
    }
  });

  it("has the identity as Jacobian Gram in its own coordinates", async () => {
    for (const [layer, { CPinv }] of analysis.bases.entries()) {
      const M = await jacobianGramByVjp({
        section: analysis.network.sections[layer],
        activations: new ActivationSource(analysis.network, networkBatches(network, inputs, 50), 0, () => undefined).at(layer),
        points: integrationPoints("gradient", 0),
        nextC: analysis.bases[layer + 1]?.C ?? null,
        memoryBudget: 1e8,
        checkCancelled: () => undefined,
        progress: () => undefined,
      });
      const own = multiply(multiply(CPinv, M), CPinv, { transposeB: true });
      const rest = slice(own, 1, own.rows, 1, own.cols);
      expect(relativeDifference(rest, identity(rest.rows))).toBeLessThan(1e-8);
      expect(own.data[0]).toBeCloseTo(1, 9);
    }
  });

  it("has non-negative edges, some of them positive, and obeys the sum rules of the constant", () => {
    const { sections } = analysis.network;
    for (const { index } of sections) {
      const { data, rows, cols } = analysis.edges("lib", index);
      expect(Math.min(...data)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...data)).toBeGreaterThan(0);
      const next = analysis.bases[index + 1];
      if (next && constantPasses(index)) {
        const kept = dropsPositions(index) && inputs.kind === "tokens" ? 1 / inputs.positions : 1;
        expect(data[0] / next.lambda[0]).toBeCloseTo(kept, 8);
      }
      const throughConstant = Array.from({ length: rows }, (_, row) => data[row * cols]).reduce((sum, value) => sum + value, 0);
      if (!mixesPositions(index)) expect(throughConstant / analysis.bases[index].lambda[0]).toBeCloseTo(1, 8);
    }
  });

  const modulesOf = (section: number): readonly Module[] => analysis.network.sections[section].modules;
  const mixesPositions = (section: number): boolean => modulesOf(section).some(({ structure }) => structure.kind === "attention");
  const dropsPositions = (section: number): boolean => modulesOf(section).some(({ structure }) => structure.kind === "last-position");
  /** The slope of the activation at the constant's root is 1 except for gelu and silu. */
  const constantPasses = (section: number): boolean =>
    modulesOf(section).every(({ structure }) => structure.kind !== "activation" || !["gelu", "gelu_new", "silu"].includes(structure.activation.name));
});
