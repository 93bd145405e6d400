import { beforeAll, describe, expect, it } from "vitest";
import { jacobianGramByVjp } from "../../../server/src/core/lib/basis/jacobianGram";
import { edgesByVjp } from "../../../server/src/core/lib/edges/squaredEdges";
import { silentSignals } from "../../../server/src/core/lib/options";
import type { EdgesTask } from "../../../server/src/core/lib/plans/sectionPlan";
import { integrationPoints } from "../../../server/src/core/lib/sources/integration";
import { ActivationSource } from "../../../server/src/core/lib/statistics/activationSource";
import { add, scale } from "../../../server/src/core/linalg/elementary";
import { networkBatches } from "../../../server/src/core/network/batches";
import type { Network, NetworkInputs } from "../../../server/src/core/network/network";
import type { Engine } from "../../../server/src/engine/engine";
import { analysisDifference, analyze, relativeDifference, type Analysis } from "../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, smallTransformer, tokens, transformerOf, transformerWeights, vectors } from "../support/networks";

const transformerInputs = tokens(150, smallTransformer.context, smallTransformer.vocabulary, 2);
const perceptronInputs = vectors(200, 5, gaussian(4));
const transformer = (engine: Engine): Network => transformerOf(transformerWeights(smallTransformer, 1), engine, { lastPositionOnly: "add_resid1", activation: "gelu" });
const perceptron = (engine: Engine): Network => mlpOf(mlpWeights([5, 8, 7, 3], 3), engine);

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

describe.each<[string, (engine: Engine) => Network, NetworkInputs]>([
  ["transformer", transformer, transformerInputs],
  ["perceptron", perceptron, perceptronInputs],
])("the analysis of a %s", (_name, build, inputs) => {
  let whole: Analysis;
  beforeAll(async () => { whole = await analyze(build(engine), inputs); });

  it.each([1, 7, 1000])("does not depend on the batch size (%i)", async (batchSize) => {
    expect(analysisDifference(await analyze(build(engine), inputs, { batchSize }), whole)).toBeLessThan(1e-11);
  });

  it("does not depend on the batch size in float32 but for its rounding", async () => {
    const single = await referenceEngine("float32");
    const options = { threshold: 1e-6, edgeBases: ["lib"] as const };
    const [one, other] = [await analyze(build(single), inputs, { ...options, batchSize: 7 }), await analyze(build(single), inputs, { ...options, batchSize: 1000 })];
    expect(analysisDifference(other, one)).toBeLessThan(1e-6);
  });

  it("does not depend on the memory budget", async () => {
    expect(analysisDifference(await analyze(build(engine), inputs, { memoryBudget: 2000 }), whole)).toBeLessThan(1e-11);
  });

  it("takes edges for comparison from evenly chosen samples, whatever the batches", async () => {
    const [some, other] = [await analyze(build(engine), inputs, { comparisonSamples: 50, batchSize: 7 }), await analyze(build(engine), inputs, { comparisonSamples: 50 })];
    for (const { index } of whole.network.sections) {
      expect(relativeDifference(some.edges("lib", index), whole.edges("lib", index))).toBeLessThan(1e-11);
      expect(relativeDifference(some.edges("pca", index), other.edges("pca", index))).toBeLessThan(1e-11);
      const deviation = relativeDifference(some.edges("pca", index), whole.edges("pca", index));
      expect(deviation).toBeGreaterThan(0);
      expect(deviation).toBeLessThan(0.5);
    }
  });

  it("agrees in float32 with float64", async () => {
    const single = await analyze(build(await referenceEngine("float32")), inputs, { threshold: 1e-6 });
    const double = await analyze(build(engine), inputs, { threshold: 1e-6 });
    expect(analysisDifference(single, double)).toBeLessThan(2e-4);
  });

  it("goes on from the layers and edges that an interrupted run finished", async () => {
    const layers = whole.layers.filter(({ index }) => index >= 1);
    const finished = { layers, edges: [{ basis: "lib" as const, section: whole.network.sections.length - 1 }] };
    const resumed = await analyze(build(engine), inputs, { finished });
    expect(resumed.events.filter(({ kind }) => kind === "layer")).toHaveLength(1);
    expect(resumed.events.filter(({ kind }) => kind === "edges")).toHaveLength(2 * whole.network.sections.length - 1);
    expect(relativeDifference(resumed.bases[0].lambda, whole.bases[0].lambda)).toBeLessThan(1e-12);
    expect(relativeDifference(resumed.edges("lib", 0), whole.edges("lib", 0))).toBeLessThan(1e-11);
  });

  it("stops where it is when it is cancelled, and asks often", async () => {
    let asked = 0;
    const counting = { ...silentSignals, checkCancelled: () => { asked += 1; } };
    await analyze(build(engine), inputs, { batchSize: 10, signals: counting });
    const batches = Math.ceil(inputs.count / 10);
    expect(asked).toBeGreaterThan(4 * batches);
    for (const limit of [1, Math.floor(asked / 2), asked - 1]) {
      let left = limit;
      const cancelling = { ...silentSignals, checkCancelled: () => { if ((left -= 1) <= 0) throw new Error("cancelled"); } };
      await expect(analyze(build(engine), inputs, { batchSize: 10, signals: cancelling })).rejects.toThrow("cancelled");
    }
  });

  it("reports its progress in order, each phase up to 1", async () => {
    const seen: [string, number][] = [];
    await analyze(build(engine), inputs, { signals: { ...silentSignals, progress: (phase, fraction) => seen.push([phase, fraction]) } });
    const phases = [...new Set(seen.map(([phase]) => phase))];
    expect(phases).toEqual(["means", "grams", "bases", "edges"]);
    for (const phase of phases) {
      const fractions = seen.filter(([name]) => name === phase).map(([, fraction]) => fraction);
      expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
      expect(fractions[fractions.length - 1]).toBeCloseTo(1, 12);
    }
  });

  it("adds up over parts of the data: Jacobian Grams and edges are sums over samples", async () => {
    const { network, bases } = whole;
    for (const section of network.sections) {
      const task = (part: NetworkInputs): EdgesTask => ({
        section,
        activations: new ActivationSource(network, networkBatches(network.network, part, 40), 0, () => undefined).at(section.index),
        points: integrationPoints("gauss-legendre", 1),
        nextC: bases[section.index + 1]?.C ?? null,
        features: bases[section.index],
        memoryBudget: 1e7,
        checkCancelled: () => undefined,
        progress: () => undefined,
      });
      const [first, second] = halves(inputs);
      for (const compute of [jacobianGramByVjp, edgesByVjp]) {
        const parts = [await compute(task(first)), await compute(task(second))];
        const together = add(scale(parts[0], first.count / inputs.count), parts[1], second.count / inputs.count);
        expect(relativeDifference(together, await compute(task(inputs)))).toBeLessThan(1e-12);
      }
    }
  });
});

describe("integration rules", () => {
  it.each(["relu", "leaky_relu", "identity"] as const)("agree on homogeneous networks (%s)", async (activation) => {
    const network = (): Network => mlpOf(mlpWeights([5, 8, 7, 3], 3), engine, activation);
    const gradient = await analyze(network(), perceptronInputs);
    for (const [integration, intervals] of [["gauss-legendre", 0], ["gauss-legendre", 3], ["trapezoidal", 0], ["trapezoidal", 4]] as const) {
      expect(analysisDifference(await analyze(network(), perceptronInputs, { integration, intervals }), gradient)).toBeLessThan(1e-11);
    }
  });

  it("differ on others, and converge to each other with more points", async () => {
    const network = (): Network => mlpOf(mlpWeights([5, 8, 3], 5), engine, "tanh");
    const few = await analyze(network(), perceptronInputs);
    const fine = await analyze(network(), perceptronInputs, { integration: "gauss-legendre", intervals: 12 });
    const trapezoids = await analyze(network(), perceptronInputs, { integration: "trapezoidal", intervals: 60 });
    expect(relativeDifference(few.bases[0].lambda, fine.bases[0].lambda)).toBeGreaterThan(1e-3);
    expect(relativeDifference(trapezoids.bases[0].lambda, fine.bases[0].lambda)).toBeLessThan(1e-3);
  });

  it.each([["gradient", 3], ["trapezoidal", -1], ["gauss-legendre", 1.5]] as const)("refuse %s with %d intervals", async (integration, intervals) => {
    await expect(analyze(perceptron(engine), perceptronInputs, { integration, intervals })).rejects.toThrow(/intervals/);
  });
});

/** Two parts of unequal size. */
function halves(inputs: NetworkInputs): [NetworkInputs, NetworkInputs] {
  const first = Math.floor(inputs.count / 3);
  const part = (from: number, to: number): NetworkInputs => {
    const count = to - from;
    switch (inputs.kind) {
      case "vectors": return { ...inputs, count, values: inputs.values.slice(from * inputs.width, to * inputs.width) };
      case "bytes": return { ...inputs, count, values: inputs.values.slice(from * inputs.width, to * inputs.width) };
      case "tokens": return { ...inputs, count, values: inputs.values.slice(from * inputs.positions, to * inputs.positions) };
    }
  };
  return [part(0, first), part(first, inputs.count)];
}
