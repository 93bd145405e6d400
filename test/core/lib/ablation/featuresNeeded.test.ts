import { describe, expect, it } from "vitest";
import { baseScore, fromNodeLayer, type EvaluationData, type EvaluationSignals } from "../../../../server/src/core/lib/ablation/evaluate";
import { featuresNeeded } from "../../../../server/src/core/lib/ablation/featuresNeeded";
import { neededSamples } from "../../../../server/src/core/lib/ablation/neededCost";
import { ablateNodes } from "../../../../server/src/core/lib/ablation/nodeAblation";
import { analyzeLib } from "../../../../server/src/core/lib/analyze";
import { defaultLibOptions, silentSignals } from "../../../../server/src/core/lib/options";
import { evenSample } from "../../../../server/src/core/network/evenSample";
import { mlpFixture, transformerFixture } from "../../support/fixtures";
import { referenceEngine } from "../../support/networks";

const engine = await referenceEngine();
const signals: EvaluationSignals = { checkCancelled: () => undefined, progress: () => undefined };

describe.each([["an MLP", mlpFixture], ["a transformer", transformerFixture]] as const)("features needed of %s", (_name, make) => {
  it.each([["accuracy", 0.05], ["ce-loss", 0.02]] as const)("are those of the whole curve (%s)", async (metric, tolerance) => {
    const fixture = await make(engine);
    const labels: number[] = [];
    await fixture.source.at(0).forEachBatch(async (x) => void labels.push(...await engine.argMax(fromNodeLayer(fixture.network, 0, x))));
    const data: EvaluationData = { batches: fixture.batches, labels: Int32Array.from(labels), metric };
    const base = await baseScore(fixture.network, data, signals);
    for (const largest of [1, 200]) expect(await baseScore(fixture.network, data, signals, largest)).toBeCloseTo(base, 12);
    const found: number[] = [];
    for await (const event of analyzeLib(fixture.network, fixture.batches, { ...defaultLibOptions, threshold: 1e-10, edgeBases: [] }, silentSignals)) {
      if (event.kind !== "layer" || !event.layer.basis) continue;
      const { index, basis } = event.layer;
      const curve = await ablateNodes(fixture.network, index, basis, data, base, { schedule: { kind: "all" }, tolerance }, signals);
      const needed = await featuresNeeded(fixture.network, index, basis, data, base, tolerance, signals);
      expect(needed).toBe(curve.needed);
      found.push(needed);
    }
    expect(found.some((needed) => needed > 1)).toBe(true);
  });
});

describe("the samples that features needed are counted on", () => {
  it("are all while the run is large beside them, fewer in proportion when it is not, and none below a thousand", async () => {
    const { network } = await mlpFixture(engine);
    // So many features that a thousand samples cost something.
    const kept = network.nodeLayers.map(({ width }) => 1e5 * width);
    const counted = (samples: number, available: number): number | null => neededSamples(network, { samples, comparisonSamples: 0, kept }, available);
    expect(counted(1e6, 700)).toBe(700);
    expect(counted(1e6, 1e6)).toBe(2000);
    const half = Array.from({ length: 200 }, (_, step) => 100 * (step + 1)).find((samples) => counted(samples, 1e6) !== null)!;
    expect(counted(half, 1e6)).toBeGreaterThanOrEqual(1000);
    // The next size that is tried is within the limit still: twice the run, twice the samples.
    expect(counted(1.5 * half, 1e6)! / counted(half, 1e6)!).toBeCloseTo(1.5, 2);
    expect(counted(half / 4, 1e6)).toBeNull();
  });

  it("are a thousand at least where the probes of the network cost next to nothing", async () => {
    const { network } = await mlpFixture(engine);
    const kept = network.nodeLayers.map(({ width }) => width);
    expect(neededSamples(network, { samples: 1, comparisonSamples: 0, kept }, 1e6)).toBe(1000);
    expect(neededSamples(network, { samples: 1, comparisonSamples: 0, kept }, 300)).toBe(300);
  });

  it("are taken evenly, each with its own labels", () => {
    const values = Int32Array.from({ length: 20 }, (_, at) => at);
    const labels = Int32Array.from({ length: 20 }, (_, at) => 100 + at);
    const tokens = evenSample({ inputs: { kind: "tokens", values, count: 10, positions: 2, vocabulary: 20 }, labels }, 5);
    expect([...tokens.inputs.values]).toEqual([0, 1, 4, 5, 8, 9, 12, 13, 16, 17]);
    expect([...tokens.labels]).toEqual([100, 101, 104, 105, 108, 109, 112, 113, 116, 117]);
    const vectors = evenSample({ inputs: { kind: "vectors", values: Float32Array.from(values), count: 10, width: 2 }, labels: labels.subarray(0, 10) }, 3);
    expect([...vectors.inputs.values]).toEqual([0, 1, 6, 7, 12, 13]);
    expect([...vectors.labels]).toEqual([100, 103, 106]);
    const few = { inputs: vectors.inputs, labels: vectors.labels };
    expect(evenSample(few, 3)).toEqual(few);
  });
});
