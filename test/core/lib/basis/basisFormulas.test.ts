import { beforeAll, describe, expect, it } from "vitest";
import { integratedGradients } from "../../../../server/src/core/lib/basis/gradientMoments";
import { integrationPoints, type IntegrationMethod } from "../../../../server/src/core/lib/sources/integration";
import type { Matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import type { Network, NetworkInputs } from "../../../../server/src/core/network/network";
import type { Section, SectionRun } from "../../../../server/src/core/network/section";
import type { Engine, Tensor } from "../../../../server/src/engine/engine";
import { activationsAt, analyze, relativeDifference, type Analysis } from "../../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, vectors } from "../../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const inputs = vectors(150, 5, gaussian(2));
const perceptron = (): Network => mlpOf(mlpWeights([5, 8, 7, 3], 1), engine);
const transformerInputs = tokens(60, smallTransformer.context, smallTransformer.vocabulary, 2);
const transformer = (): Network => transformerOf(transformerWeights(smallTransformer, 1), engine);
const older = ["(1-0)*alpha", "(1-alpha)^2"] as const;

const columnSums = ({ rows, cols, data }: Matrix): Float64Array => {
  const sums = new Float64Array(cols);
  for (let at = 0; at < rows * cols; at += 1) sums[at % cols] += data[at];
  return sums;
};
const rowSums = ({ rows, cols, data }: Matrix): Float64Array => Float64Array.from({ length: rows }, (_, row) => data.subarray(row * cols, (row + 1) * cols).reduce((a, b) => a + b, 0));

/** y = x^3 for each component, forwards and backwards: what the formulas are known for by hand. */
function cubicSection(offset = 0): Section {
  const cubed = (x: Tensor): Tensor => engine.affine(engine.mul(engine.square(x), x), 1, offset);
  return {
    index: 0, from: "in", to: "out", inputWidth: 1, outputWidth: 1, engine, modules: [], structure: { kind: "general", why: "it is a cube" },
    forward: (x): SectionRun => ({ output: cubed(x), saved: [[x]] }),
    vjp: (run, cotangent) => {
      const [x] = run.saved[0] as [Tensor];
      return engine.mul(cotangent, engine.reshape(engine.affine(engine.square(x), 3), [x.shape[0], 1, 1, 1]));
    },
  };
}

async function cubicGradient(formula: (typeof older)[number], method: IntegrationMethod, intervals: number, offset = 0): Promise<{ x: number[]; g: number[] }> {
  const x = [-1.5, -0.3, 0.2, 1, 2];
  const g = await engine.read(integratedGradients(cubicSection(offset), engine.tensor(x, [x.length, 1, 1]), integrationPoints(method, intervals), null, formula));
  return { x, g: [...g] };
}

describe("the older basis formulas", () => {
  it.each(older)("give g = x^5 for a cube, %s (method 8.1 K)", async (formula) => {
    const [fine, coarse] = [await cubicGradient(formula, "gauss-legendre", 20), await cubicGradient(formula, "trapezoidal", 200)];
    fine.x.forEach((x, sample) => {
      expect(fine.g[sample]).toBeCloseTo(x ** 5, 10);
      expect(Math.abs(coarse.g[sample] / x ** 5 - 1)).toBeLessThan(1e-2);
    });
  });

  it("of (1-0)*alpha changes with a constant added to the function, its known fault; (1-alpha)^2 does not", async () => {
    const shifted = await Promise.all(older.map((formula) => cubicGradient(formula, "gauss-legendre", 20, 1)));
    shifted[0].x.forEach((x, sample) => {
      expect(shifted[0].g[sample]).toBeCloseTo(x ** 5 + x ** 2, 10);
      expect(shifted[1].g[sample]).toBeCloseTo(x ** 5, 10);
    });
  });

  describe.each(older)("%s", (formula) => {
    let analysis: Analysis;
    beforeAll(async () => {
      analysis = await analyze(perceptron(), inputs, { formula, integration: "gauss-legendre", intervals: 3, edgeFormula: "functional", edgeBases: ["lib"] });
    });

    it("has Lambda as mean squared activation, a left inverse, and centred features (2.6, 8.3)", async () => {
      for (const [layer, { C, CPinv, lambda }] of analysis.bases.entries()) {
        const features = multiply(await activationsAt(analysis.network, inputs, layer), C);
        const squares = columnSums({ ...features, data: features.data.map((value) => value ** 2 / features.rows) });
        expect(relativeDifference(squares, lambda)).toBeLessThan(1e-9);
        const means = columnSums({ ...features, data: features.data.map((value) => value / features.rows) });
        means.slice(1).forEach((mean, feature) => expect(Math.abs(mean) / Math.sqrt(lambda[feature + 1])).toBeLessThan(1e-6));
        const product = multiply(CPinv, C);
        product.data.forEach((value, at) => expect(value).toBeCloseTo(at % (product.cols + 1) === 0 ? 1 : 0, 8));
        expect([...lambda.slice(1)]).toEqual([...lambda.slice(1)].sort((a, b) => b - a));
      }
    });

    it("has functional edges whose columns sum to Lambda and whose rows to the mean square of the output (3.3)", async () => {
      for (const { index } of analysis.network.sections) {
        const edges = analysis.edges("lib", index);
        const next = analysis.bases[index + 1];
        const outputs = await activationsAt(analysis.network, inputs, index + 1);
        const features = next ? multiply(outputs, next.C) : outputs;
        const squares = columnSums({ ...features, data: features.data.map((value) => value ** 2 / features.rows) });
        expect(relativeDifference(rowSums(edges), squares)).toBeLessThan(1e-9);
        expect(relativeDifference(columnSums(edges).map(Math.abs), analysis.bases[index].lambda)).toBeLessThan(1e-9);
      }
    });

    it("finds the same directions as the other, where the network is homogeneous", async () => {
      const other = await analyze(perceptron(), inputs, { formula: older[1 - older.indexOf(formula)], integration: "gauss-legendre", intervals: 0 });
      for (const [layer, { lambda }] of analysis.bases.entries()) expect(relativeDifference(other.bases[layer].lambda, lambda)).toBeLessThan(1e-9);
    });

    it("keeps one edge per feature in a linear network, but for the constant", async () => {
      const linear = await analyze(mlpOf(mlpWeights([6, 5, 6, 4], 4), engine, "identity"), vectors(200, 6, gaussian(5)), { formula, integration: "gauss-legendre" });
      for (const section of [0, 1]) {
        const { data, cols, rows } = linear.edges("lib", section);
        for (let row = 1; row < rows; row += 1) {
          const largest = Math.max(...data.subarray(row * cols + 1, (row + 1) * cols));
          const others = [...data.subarray(row * cols + 1, (row + 1) * cols)].filter((value) => value !== largest);
          for (const value of others) expect(value / largest).toBeLessThan(1e-4);
        }
      }
    });

    it("does not depend on the batch size, also with attention", async () => {
      const options = { formula, integration: "gauss-legendre", intervals: 2, edgeFormula: "functional", edgeBases: ["lib"] } as const;
      const [one, other] = [await analyze(transformer(), transformerInputs, { ...options, batchSize: 7 }), await analyze(transformer(), transformerInputs, { ...options, memoryBudget: 4000 })];
      for (const [layer, { lambda }] of one.bases.entries()) expect(relativeDifference(lambda, other.bases[layer].lambda)).toBeLessThan(1e-11);
      for (const { index } of one.network.sections) expect(relativeDifference(one.edges("lib", index), other.edges("lib", index))).toBeLessThan(1e-10);
    });
  });
});

describe("functional edges in any basis", () => {
  it("of attention have rows that sum to the mean square of what the section adds to its value at zero, with a fine rule", async () => {
    const analysis = await analyze(transformer(), transformerInputs, { integration: "gauss-legendre", intervals: 24, edgeFormula: "functional", edgeBases: ["lib"] });
    const { sections } = analysis.network;
    for (const { index, forward, inputWidth } of sections) {
      const { C, CPinv } = analysis.bases[index];
      const nextC = analysis.bases[index + 1]?.C;
      const activations = await activationsAt(analysis.network, transformerInputs, index);
      const projected = multiply(multiply(activations, C), CPinv);
      const at = async (data: Float64Array): Promise<Matrix> => {
        const output = forward(engine.tensor(data, [transformerInputs.count, activations.rows / transformerInputs.count, inputWidth])).output;
        const rows = { rows: output.size / output.shape[2], cols: output.shape[2], data: Float64Array.from(await engine.read(output)) };
        return nextC ? multiply(rows, nextC) : rows;
      };
      const [values, zero] = [await at(projected.data), await at(new Float64Array(projected.data.length))];
      const squares = columnSums({ ...values, data: values.data.map((value, place) => (value - zero.data[place]) ** 2 / values.rows) });
      expect(relativeDifference(rowSums(analysis.edges("lib", index)), squares)).toBeLessThan(1e-6);
    }
  });
});

describe("integration by node layer", () => {
  it("uses the longest key that a layer's name begins with, and the usual rule elsewhere", async () => {
    const network = (): Network => mlpOf(mlpWeights([5, 8, 7, 3], 5), engine, "tanh");
    const [gradient, legendre] = [await analyze(network(), inputs), await analyze(network(), inputs, { integration: "gauss-legendre", intervals: 4 })];
    const mixed = await analyze(network(), inputs, { integration: { "layers": "gradient", "layers.1": "gauss-legendre" }, intervals: 4 });
    expect(relativeDifference(mixed.bases[1].lambda, legendre.bases[1].lambda)).toBeLessThan(1e-12);
    expect(relativeDifference(mixed.edges("lib", 1), legendre.edges("lib", 1))).toBeLessThan(1e-11);
    expect(relativeDifference(mixed.bases[1].lambda, gradient.bases[1].lambda)).toBeGreaterThan(1e-3);
    const only = await analyze(network(), inputs, { integration: { "layers.0": "gauss-legendre" }, intervals: 4 });
    expect(relativeDifference(only.bases[1].lambda, gradient.bases[1].lambda)).toBe(0);
    await expect(analyze(network(), inputs, { integration: { "fc": "gradient" } })).rejects.toThrow(/"fc", but no node layer begins with it/);
  });
});

describe("an absolute threshold", () => {
  it("keeps what exceeds it in the first and in the second rotation, as the authors' code does", async () => {
    const whole = await analyze(perceptron(), inputs, { threshold: { absolute: 0 } });
    const limit = (whole.bases[2].D[3] + whole.bases[2].D[4]) / 2;
    const cut = await analyze(perceptron(), inputs, { threshold: { absolute: limit } });
    for (const { D, lambda } of cut.bases) for (const value of [...D.slice(1), ...lambda.slice(1)]) expect(value).toBeGreaterThan(limit);
    // The last rotated layer depends on no other one.
    expect(cut.bases[2].D.length).toBe(4);
    const relative = await analyze(perceptron(), inputs, { threshold: limit / whole.bases[2].D[1] });
    expect([...relative.bases[2].D]).toEqual([...cut.bases[2].D]);
  });
});

describe("combinations that make no sense are refused in one sentence", () => {
  const sources = { position: 1, hidden: null };
  it.each([
    [{ formula: "(1-alpha)^2" }, /"\(1-alpha\)\^2" is zero everywhere with "gradient"/],
    [{ edgeFormula: "functional" }, /Functional edges are zero everywhere with "gradient"/],
    [{ edgeFormula: "functional", integration: "gauss-legendre", edgeSources: 2 }, /Random sources are for squared edges only/],
    [{ formula: "svd", global: true }, /"global" has no meaning for the basis formula "svd"/],
    [{ formula: "neuron", center: false, global: true }, /"global" has no meaning for the basis formula "neuron"/],
    [{ formula: "(1-0)*alpha", integration: "gauss-legendre", sources }, /Random sources are for the basis formula "jacobian" only/],
    [{ formula: "svd", sources }, /Random sources are for the basis formula "jacobian" only/],
    [{ sources: { position: 0, hidden: null } }, /whole number of 1 or more/],
    [{ integration: { "layers.0": "gradient" }, intervals: 2 }, /takes no intervals/],
    [{ integration: { "layers.0": "gradient" }, formula: "(1-alpha)^2" }, /node layer "layers.0"/],
    [{ threshold: { absolute: -1 } }, /absolute basis threshold -1/],
  ] as const)("%j", async (options, message) => {
    await expect(analyze(perceptron(), inputs as NetworkInputs, options)).rejects.toThrow(message);
  });
});
