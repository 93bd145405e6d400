import { describe, expect, it } from "vitest";
import { ablateEdges, type EdgeAblationOptions } from "../../../../server/src/core/lib/ablation/edgeAblation";
import { EdgeRanking, groupRows } from "../../../../server/src/core/lib/ablation/edgeMask";
import { baseScore, fromNodeLayer, ScoreSum, type EvaluationData, type EvaluationSignals } from "../../../../server/src/core/lib/ablation/evaluate";
import { featureSection } from "../../../../server/src/core/lib/ablation/featureSection";
import { scoreFeatureSet } from "../../../../server/src/core/lib/ablation/featureSet";
import { asActivations, layerFeatures } from "../../../../server/src/core/lib/ablation/layerFeatures";
import { MaskedFeatures } from "../../../../server/src/core/lib/ablation/maskedFeatures";
import { ablateNodes } from "../../../../server/src/core/lib/ablation/nodeAblation";
import { ablatedCounts } from "../../../../server/src/core/lib/ablation/schedules";
import { analyzeLib } from "../../../../server/src/core/lib/analyze";
import type { LayerBasis } from "../../../../server/src/core/lib/basis/layerBasis";
import { defaultLibOptions, silentSignals } from "../../../../server/src/core/lib/options";
import { slice, selectColumns } from "../../../../server/src/core/linalg/arrange";
import { identity } from "../../../../server/src/core/linalg/elementary";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import type { Tensor } from "../../../../server/src/engine/engine";
import { familyFixture, mlpFixture, transformerFixture, type Fixture } from "../../support/fixtures";
import type { BatchSource } from "../../../../server/src/core/network/batches";
import { referenceEngine } from "../../support/networks";

const engine = await referenceEngine();
const signals: EvaluationSignals = { checkCancelled: () => undefined, progress: () => undefined };
const all = { schedule: { kind: "all" }, tolerance: 0.001 } as const;

interface Analysed {
  readonly bases: (LayerBasis | null)[];
  readonly edges: Matrix[];
}

async function analysed(fixture: Fixture): Promise<Analysed> {
  const result: Analysed = { bases: [], edges: [] };
  for await (const event of analyzeLib(fixture.network, fixture.batches, { ...defaultLibOptions, threshold: 1e-10, edgeBases: ["lib"] }, silentSignals)) {
    if (event.kind === "layer") result.bases[event.layer.index] = event.layer.basis;
    else result.edges[event.section] = event.edges;
  }
  return result;
}

/** Data labelled by the network's own answers, so that the base accuracy is 1. */
async function ownAnswers(fixture: Fixture, metric: EvaluationData["metric"] = "accuracy"): Promise<EvaluationData> {
  const labels: number[] = [];
  await fixture.source.at(0).forEachBatch(async (x) => {
    labels.push(...await engine.argMax(fromNodeLayer(fixture.network, 0, x)));
  });
  return { batches: fixture.batches, labels: Int32Array.from(labels), metric };
}

/** Score after replacing the activations at a node layer by x P, straight from the definition. */
async function scoreThrough(fixture: Fixture, layer: number, projector: Matrix, data: EvaluationData): Promise<number> {
  const sum = new ScoreSum(engine, data);
  const P = engine.tensor(projector.data, [projector.rows, projector.cols]);
  await fixture.source.at(layer).forEachBatch(async (x) => sum.add(fromNodeLayer(fixture.network, layer, engine.matMul(x, P))));
  return sum.value;
}

/** Output features under a mask, one output feature at a time through the section itself. */
async function maskedByDefinition(fixture: Fixture, layer: number, mask: { data: Uint8Array; rows: number; cols: number }, features: LayerBasis, nextC: Matrix): Promise<number[]> {
  const section = fixture.network.sections[layer];
  const rows: number[][] = Array.from({ length: mask.rows }, () => []);
  const tensor = (a: Matrix): Tensor => engine.tensor(a.data, [a.rows, a.cols]);
  await fixture.source.at(layer).forEachBatch(async (x) => {
    for (let output = 0; output < mask.rows; output += 1) {
      const z = engine.mul(engine.matMul(x, tensor(features.C)), engine.tensor(mask.data.subarray(output * mask.cols, (output + 1) * mask.cols), [mask.cols]));
      const next = section.forward(engine.matMul(z, tensor(features.CPinv))).output;
      rows[output].push(...await engine.read(engine.matMul(next, tensor(selectColumns(nextC, [output])))));
    }
  });
  return rows.flat();
}

const cases: { name: string; fixture: Fixture }[] = [
  { name: "MLP with relu", fixture: mlpFixture(engine) },
  { name: "MLP with tanh", fixture: mlpFixture(engine, { activation: "tanh" }) },
  { name: "transformer", fixture: transformerFixture(engine) },
  { name: "transformer that answers once", fixture: transformerFixture(engine, { lastPositionOnly: "add_resid1", causal: false }) },
  { name: "transformer whose inputs repeat", fixture: transformerFixture(engine, { lastPositionOnly: "add_resid1", positions: 2, samples: 420, batchSize: 210 }) },
  { name: "halves of norms", fixture: familyFixture(engine, "GPT-2", ["ln1_out.1", "add_resid1.1", "ln2_out.1", "mlp_in.1", "unembed"]) },
  { name: "parallel blocks, rotary positions", fixture: familyFixture(engine, "GPT-NeoX", ["ln1.1", "ln2.1", "unembed"], "add_resid1") },
  { name: "grouped heads and a gate", fixture: familyFixture(engine, "llama", ["attn_out.1", "mlp_in.1", "ln_final_out", "output"]) },
  { name: "one section without structure, then unembedding", fixture: transformerFixture(engine, { nodeLayers: ["ln1.0", "unembed"] }) },
];

describe.each(cases)("ablation: $name", ({ fixture }) => {
  const { network } = fixture;

  it("of nodes follows the definition at every k", async () => {
    const { bases } = await analysed(fixture);
    for (const metric of ["accuracy", "ce-loss"] as const) {
      const data = await ownAnswers(fixture, metric);
      const base = await baseScore(network, data, signals);
      for (const [layer, basis] of bases.entries()) {
        if (!basis) continue;
        const curve = await ablateNodes(network, layer, basis, data, base, all, signals);
        const kept = basis.C.cols;
        expect(curve.points.map(([k]) => k)).toEqual(Array.from({ length: network.nodeLayers[layer].width + 1 }, (_, k) => k));
        for (const [k, score] of curve.points) {
          const leading = Math.min(k, kept);
          const projector = multiply(slice(basis.C, 0, basis.C.rows, 0, leading), slice(basis.CPinv, 0, leading));
          expect(score).toBeCloseTo(k >= kept ? base : await scoreThrough(fixture, layer, projector, data), 9);
        }
        const mean = matrix(basis.mean.length, basis.mean.length);
        mean.data.set(basis.mean, mean.data.length - basis.mean.length);
        expect(curve.points[1][1]).toBeCloseTo(await scoreThrough(fixture, layer, mean, data), 9);
      }
    }
  });

  it("of nodes by bisection ends at a crossing, and early stopping at the first score too far away", async () => {
    const { bases } = await analysed(fixture);
    const data = await ownAnswers(fixture);
    for (const [layer, basis] of bases.entries()) {
      if (!basis) continue;
      const scores = new Map((await ablateNodes(network, layer, basis, data, 1, all, signals)).points);
      const found = await ablateNodes(network, layer, basis, data, 1, { schedule: { kind: "bisect", specificPoints: [0, 1, 10_000] }, tolerance: 0.001 }, signals);
      expect(scores.get(found.needed)).toBeGreaterThanOrEqual(1 - 0.001);
      if (found.needed > 1) expect(scores.get(found.needed - 1)).toBeLessThan(1 - 0.001);
      for (const [k, score] of found.points) expect(score).toBe(scores.get(k));
      expect(found.points.map(([k]) => k)).toEqual(expect.arrayContaining([0, 1]));
      const stopped = await ablateNodes(network, layer, basis, data, 1, { ...all, earlyStopping: 0.2 }, signals);
      const last = stopped.points.length - 1;
      for (const [, score] of stopped.points.slice(1)) expect(Math.abs(score - 1)).toBeLessThanOrEqual(0.2);
      if (stopped.stoppedEarly) expect(Math.abs(stopped.points[0][1] - 1)).toBeGreaterThan(0.2);
      else expect(stopped.points[0][0]).toBe(0);
      expect(stopped.points[last]).toEqual([network.nodeLayers[layer].width, 1]);
    }
  });

  it("of edges computes every output feature from its own inputs", async () => {
    const { bases, edges } = await analysed(fixture);
    for (const section of network.sections) {
      const features = bases[section.index]!;
      const nextC = bases[section.index + 1]?.C ?? identity(section.outputWidth);
      const E = edges[section.index] ?? matrix(nextC.cols, features.C.cols, Float64Array.from({ length: nextC.cols * features.C.cols }, (_, index) => index % 7));
      const batches = await layerFeatures(network, section.index, features.C, await ownAnswers(fixture), signals);
      const masked = new MaskedFeatures(engine, featureSection(section, features.CPinv, bases[section.index + 1]?.C ?? null), batches);
      for (const kept of [12, 5, 4, 0]) {
        const mask = new EdgeRanking(E, true).mask(kept);
        const rows: number[][] = Array.from({ length: mask.rows }, () => []);
        for (const place of batches.keys()) {
          const values = await engine.read(engine.transpose(asActivations(engine, engine.transpose(masked.assemble(place, mask), [1, 0]), batches[place].samples), [2, 0, 1]));
          const columns = values.length / mask.rows;
          rows.forEach((row, output) => row.push(...values.subarray(output * columns, (output + 1) * columns)));
        }
        masked.endProbe();
        const expected = await maskedByDefinition(fixture, section.index, mask, features, nextC);
        const scale = Math.max(...expected.map(Math.abs));
        rows.flat().forEach((value, index) => expect(Math.abs(value - expected[index])).toBeLessThan(1e-9 * scale));
        expect(groupRows(mask).flatMap(({ outputs }) => outputs).sort((a, b) => a - b)).toEqual(rows.map((_, index) => index));
      }
      masked.dispose();
    }
  });

  it("of edges keeps the base score with all of them and finds a crossing", async () => {
    const { bases, edges } = await analysed(fixture);
    const data = await ownAnswers(fixture);
    const base = await baseScore(network, data, signals);
    expect(base).toBe(1);
    for (const section of network.sections) {
      if (!edges[section.index]) continue;
      const ablated = { section: section.index, edges: edges[section.index], features: bases[section.index]!, next: bases[section.index + 1], constantFeature: true };
      const every = await ablateEdges(network, ablated, data, base, { schedule: { kind: "linear", points: 5 }, tolerance: 0.001 }, signals);
      expect(every.probes[0]).toEqual([every.total, base]);
      const found = await ablateEdges(network, ablated, data, base, { schedule: { kind: "bisect" }, tolerance: 0.001 }, signals);
      expect(found.total).toBe(section.inputWidth * section.outputWidth);
      const scores = new Map(found.probes);
      expect(scores.get(found.required) ?? base).toBeGreaterThanOrEqual(base - 0.001);
      expect(scores.get(found.required - 1) ?? 0).toBeLessThan(base - 0.001);
      expect(found.weakestRequired).toBe(new EdgeRanking(ablated.edges, true).weakestKept(found.required));
    }
  });

  it("of edges probes the numbers of its schedule, and scores a number the same whatever the schedule", async () => {
    const { bases, edges } = await analysed(fixture);
    const data = await ownAnswers(fixture);
    const base = await baseScore(network, data, signals);
    const section = network.sections.find(({ index }) => edges[index])!;
    const ablated = { section: section.index, edges: edges[section.index], features: bases[section.index]!, next: bases[section.index + 1], constantFeature: true };
    const run = (schedule: EdgeAblationOptions["schedule"]): ReturnType<typeof ablateEdges> => ablateEdges(network, ablated, data, base, { schedule, tolerance: 0.001 }, signals);
    const bisected = await run({ kind: "bisect", specificPoints: [0, 3] });
    const scores = new Map(bisected.probes);
    for (const schedule of [
      { kind: "exponential", base: 2, everyCutoff: 3, specificPoints: [...scores.keys()] }, { kind: "linear", points: 4, specificPoints: [...scores.keys()] },
    ] as const) {
      const { probes, required, total } = await run(schedule);
      expect(probes.map(([kept]) => total - kept).sort((a, b) => b - a)).toEqual(ablatedCounts(schedule, total));
      const both = probes.filter(([kept]) => scores.has(kept));
      expect(both.length).toBe(scores.size);
      for (const [kept, score] of both) expect(score).toBe(scores.get(kept));
      expect(new Map(probes).get(required)).toBeGreaterThanOrEqual(base - 0.001);
    }
  });

  it("of a set of features removes or keeps exactly that set", async () => {
    const { bases } = await analysed(fixture);
    const data = await ownAnswers(fixture, "ce-loss");
    const base = await baseScore(network, data, signals);
    const basis = bases[0]!;
    const kept = basis.C.cols;
    expect(await scoreFeatureSet(network, 0, basis, { remove: [] }, data, signals)).toBeCloseTo(base, 9);
    const first = Array.from({ length: 3 }, (_, index) => index);
    const curve = await ablateNodes(network, 0, basis, data, base, all, signals);
    expect(await scoreFeatureSet(network, 0, basis, { keep: first }, data, signals)).toBeCloseTo(curve.points[3][1], 9);
    const rest = Array.from({ length: kept - 3 }, (_, index) => index + 3);
    expect(await scoreFeatureSet(network, 0, basis, { remove: rest }, data, signals)).toBeCloseTo(curve.points[3][1], 6);
    await expect(scoreFeatureSet(network, 0, basis, { remove: [kept] }, data, signals)).rejects.toThrow(new RegExp(`features 0 to ${kept - 1}; there is no feature ${kept}`));
  });
});

describe("repeated activations", () => {
  it("are noticed where tokens make them, and only there", async () => {
    const distinctOf = async (fixture: Fixture, layer: number): Promise<number | null> => {
      const C = identity(fixture.network.nodeLayers[layer].width);
      const [{ distinct }] = await layerFeatures(fixture.network, layer, C, await ownAnswers(fixture), signals);
      return distinct && distinct.features.shape[1];
    };
    const repeating = transformerFixture(engine, { lastPositionOnly: "add_resid1", positions: 2, samples: 420, batchSize: 210 });
    expect(await distinctOf(repeating, 0)).toBe(22);
    expect(await distinctOf(repeating, 1)).toBeNull();
    expect(await distinctOf(transformerFixture(engine), 0)).toBeNull();
  });
});

describe("features needed", () => {
  it("is the smallest number from which all larger ones hold, not the first that holds", async () => {
    const fixture = mlpFixture(engine, { samples: 200 });
    const { bases } = await analysed(fixture);
    const data = await ownAnswers(fixture);
    const curve = await ablateNodes(fixture.network, 0, bases[0]!, data, 1, { ...all, tolerance: 0.1 }, signals);
    const holds = curve.points.map(([, score]) => score >= 0.9);
    expect(holds.slice(curve.needed)).not.toContain(false);
    expect(holds[curve.needed - 1] ?? false).toBe(false);
  });
});

/** Where only the number of samples counts. */
const batchless = (samples: number): BatchSource => ({ samples, positions: 1, bytes: null, everyNth: () => batchless(samples), [Symbol.iterator]: () => [][Symbol.iterator]() });

describe("scores", () => {
  it("cross entropy is the mean over all answers, whatever the batches", async () => {
    const logits = [2, 0, 0, 1, 1, 1, -3, 4, 0.5];
    const labels = Int32Array.of(0, 1, 2);
    const batches = batchless(3);
    const sum = new ScoreSum(engine, { batches, labels, metric: "ce-loss" });
    await sum.add(engine.tensor(logits.slice(0, 6), [2, 1, 3]));
    await sum.add(engine.tensor(logits.slice(6), [1, 1, 3]));
    const expected = [[2, 0, 0], [1, 1, 1], [-3, 4, 0.5]].map((row, index) => (
      Math.log(row.reduce((total, value) => total + Math.exp(value), 0)) - row[labels[index]]
    ));
    expect(sum.value).toBeCloseTo(expected.reduce((a, b) => a + b) / 3, 12);
  });

  it("says which label is wrong and when labels are missing", async () => {
    const batches = batchless(1);
    const output = engine.tensor([1, 2, 3], [1, 1, 3]);
    const score = (labels: number[]): Promise<void> => new ScoreSum(engine, { batches, labels: Int32Array.from(labels), metric: "accuracy" }).add(output);
    await expect(score([3])).rejects.toThrow(/Label 3 of answer 0 is not one of the 3 classes/);
    await expect(score([0, 1])).rejects.toThrow(/1 answers per sample for 1 samples, but .* 2 labels/);
  });
});
