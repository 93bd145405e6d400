import { beforeAll, describe, expect, it } from "vitest";
import { ablateEdges } from "../../server/src/core/lib/ablation/edgeAblation";
import { baseScore, type EvaluationData, type EvaluationSignals } from "../../server/src/core/lib/ablation/evaluate";
import { featuresNeeded } from "../../server/src/core/lib/ablation/featuresNeeded";
import { neededSamples } from "../../server/src/core/lib/ablation/neededCost";
import { ablateNodes } from "../../server/src/core/lib/ablation/nodeAblation";
import { featureMapIn } from "../../server/src/core/lib/edges/edgesBetween";
import { networkBatches } from "../../server/src/core/network/batches";
import { evenSample } from "../../server/src/core/network/evenSample";
import { createEngine } from "../../server/src/engine/createEngine";
import { analyseModularAddition, modaddFolder, nodeLayers, readJson, type AnalysedModel } from "./modularAddition";

interface Published {
  results: Record<string, Record<string, number>>;
  no_ablation_result: number;
  n_edges_required: Record<string, number>;
}
interface Reference {
  seeds: Record<string, Record<"rib" | "pca", { base_test_accuracy: number; layers: Record<string, { need_0p1: number }> }>>;
}

const signals: EvaluationSignals = { checkCancelled: () => undefined, progress: () => undefined };
const tolerance = 0.001;
const testPairs = 8939;
/** Directions whose Lambda or variance is close to its neighbour's may come in another order or mixed: a few examples change. */
const examplesMoved = 8;
const sections = [0, 1, 2] as const;

describe.skipIf(modaddFolder === null).each([0, 1, 3])("ablations of the authors' checkpoint, seed %i, in float32 (skipped without ../shared/data)", (seed) => {
  let model: AnalysedModel;
  let base: number;

  beforeAll(async () => {
    const engine = await createEngine({ backend: "wasm", precision: "float32" });
    model = await analyseModularAddition(seed, engine);
    base = await baseScore(model.network, model.evaluation, signals);
  }, 600_000);

  const features = (basis: "lib" | "pca", layer: number): ReturnType<typeof featureMapIn> => featureMapIn(basis, model.bases[layer] ?? null, model.network.nodeLayers[layer]);

  it("has the published base accuracy", () => {
    const reference = readJson<Reference>("reference.json").seeds[seed].rib.base_test_accuracy;
    expect(Math.round(base * testPairs)).toBe(Math.round(reference * testPairs));
  });

  it.each(["lib", "pca"] as const)("needs as many features, and scores as published for the leading ones (%s)", async (basis) => {
    const reference = readJson<Reference>("reference.json").seeds[seed][basis === "lib" ? "rib" : "pca"].layers;
    const published = readJson<Published>(`seed${seed}`, `${basis}_node_ablation.json`).results;
    for (const layer of sections) {
      const name = nodeLayers[layer];
      const map = features(basis, layer)!;
      const needed = reference[name].need_0p1;
      // Beyond those needed every score is within the tolerance of the base score.
      const schedule = { kind: "linear", points: 2, specificPoints: Array.from({ length: needed + 8 }, (_, k) => k) } as const;
      const curve = await ablateNodes(model.network, layer, map, model.evaluation, base, { schedule, tolerance }, signals);
      expect(Math.abs(curve.needed - needed)).toBeLessThanOrEqual(1);
      for (const [kept, score] of curve.points) {
        const expected = published[name][kept];
        if (expected !== undefined) expect(Math.abs(score - expected) * testPairs).toBeLessThan(examplesMoved + 0.5);
      }
      expect(curve.points.at(-1)![1]).toBe(base);
      expect(curve.points[1][1]).toBeLessThan(0.02);
    }
  }, 600_000);

  it("needs as many features on the part of the held-out pairs that a run counts on", async () => {
    const reference = readJson<Reference>("reference.json").seeds[seed].rib.layers;
    const kept = model.network.nodeLayers.map(({ index, width }) => model.bases[index]?.lambda.length ?? width);
    const samples = neededSamples(model.network, { samples: model.training.samples, comparisonSamples: 500 + 3 * 256, kept }, testPairs)!;
    const { inputs, labels } = evenSample(model.held, samples);
    const data: EvaluationData = { batches: networkBatches(model.network.network, inputs, 2000), labels, metric: "accuracy" };
    const sampled = await baseScore(model.network, data, signals);
    for (const layer of sections) {
      const needed = await featuresNeeded(model.network, layer, model.bases[layer]!, data, sampled, tolerance, signals);
      expect(Math.abs(needed - reference[nodeLayers[layer]].need_0p1), `${nodeLayers[layer]}: ${needed}`).toBeLessThanOrEqual(1);
    }
  }, 600_000);

  it.each([["lib", 3], ["pca", 12]] as const)("requires the published number of edges (%s, within %i)", async (basis, allowed) => {
    const published = readJson<Published>(`seed${seed}`, `${basis}_edge_ablation.json`);
    const found: Record<string, number> = {};
    for (const section of sections) {
      const ablated = { section, edges: model.edges[basis][section], features: features(basis, section)!, next: features(basis, section + 1), constantFeature: true };
      const result = await ablateEdges(model.network, ablated, model.evaluation, base, { schedule: { kind: "bisect" }, tolerance }, signals);
      expect(result.total).toBe(section === 2 ? 14706 : 16641);
      found[result.from] = result.required;
    }
    for (const [name, required] of Object.entries(published.n_edges_required)) {
      expect(Math.abs(found[name] - required), `${name}: ${found[name]}, published ${required}`).toBeLessThanOrEqual(allowed);
    }
  }, 600_000);
});
