import { beforeAll, describe, expect, it } from "vitest";
import { baseScore } from "../../server/src/core/lib/ablation/evaluate";
import { libBasis, whitenedGram } from "../../server/src/core/lib/basis/basis";
import { keptDirections, principalDirections } from "../../server/src/core/lib/basis/pca";
import { planSection } from "../../server/src/core/lib/plans/planSection";
import type { EdgesTask } from "../../server/src/core/lib/plans/sectionPlan";
import { ActivationSource } from "../../server/src/core/lib/statistics/activationSource";
import { centeredFrom } from "../../server/src/core/lib/statistics/centering";
import { identity } from "../../server/src/core/linalg/elementary";
import type { Matrix } from "../../server/src/core/linalg/matrix";
import { multiply } from "../../server/src/core/linalg/multiply";
import { createEngine } from "../../server/src/engine/createEngine";
import type { Engine } from "../../server/src/engine/engine";
import { relativeDifference } from "../core/support/analysis";
import { authorsGraph, trainingBatches, type Reference } from "./authorsResult";
import { analyseModularAddition, modaddFolder, readJson, type AnalysedModel } from "./modularAddition";

const rotated = ["ln1.0", "ln2.0", "unembed"];
/** Whole analyses in float64: seconds on a quiet machine, but it may be a busy one. */
const patience = 600_000;
const missing = modaddFolder === null;
const suffix = missing ? " (skipped: the shared data folder is not there)" : "";

describe.skipIf(missing).each([0, 1, 3])(`LIB of the authors' checkpoints${suffix}, seed %i`, (seed) => {
  let engine: Engine;
  let analysis: AnalysedModel;
  let reference: Reference["seeds"][string];
  beforeAll(async () => {
    engine = await createEngine({ backend: "wasm", precision: "float64" });
    analysis = await analyseModularAddition(seed, engine);
    reference = readJson<Reference>("reference.json").seeds[String(seed)];
  }, patience);

  it("has the exact base accuracy", async () => {
    const score = await baseScore(analysis.network, analysis.evaluation, { checkCancelled: () => undefined, progress: () => undefined });
    expect(score).toBe(reference.rib.base_test_accuracy);
  });

  it("has Lambda within 0.5 % for every feature above 1e-4 of the largest", () => {
    for (const [layer, name] of rotated.entries()) {
      const { lambda } = analysis.bases[layer]!;
      const wanted = reference.rib.layers[name];
      expect(Math.abs(lambda[0] / wanted.Lambda_const - 1)).toBeLessThan(0.005);
      const leading = wanted.Lambda_head_sorted.filter((value) => value > 1e-4 * wanted.Lambda_head_sorted[0]);
      expect(leading.length).toBeGreaterThan(5);
      leading.forEach((value, feature) => expect(Math.abs(lambda[feature + 1] / value - 1)).toBeLessThan(0.005));
    }
  });

  it("keeps 13 to 28 features per layer", () => {
    for (const [layer] of rotated.entries()) {
      expect(analysis.bases[layer]!.lambda.length).toBeGreaterThanOrEqual(13);
      expect(analysis.bases[layer]!.lambda.length).toBeLessThanOrEqual(28);
    }
  });

  it("has 115 directions before attention: 112 of tokens, 2 of positions, the constant", () => {
    expect(keptDirections(principalDirections(analysis.bases[0]!.gram, true), 1e-10)).toBe(115);
  });

  it("has the authors' total edge strength", () => {
    for (const [section, name] of rotated.entries()) {
      expect(Math.abs(total(analysis.edges.lib[section]) / reference.rib.layers[name].edge_sum - 1)).toBeLessThan(0.005);
      expect(Math.abs(total(analysis.edges.pca[section]) / reference.pca.layers[name].edge_sum - 1)).toBeLessThan(0.03);
    }
  });

  it("is the same in float32", async () => {
    const single = await analyseModularAddition(seed, await createEngine({ backend: "wasm", precision: "float32" }), { edgeBases: ["lib"] });
    for (const [layer] of rotated.entries()) {
      const [a, b] = [single.bases[layer]!, analysis.bases[layer]!];
      expect(a.lambda.length).toBe(b.lambda.length);
      const leading = b.lambda.filter((value) => value > 1e-4 * b.lambda[1]).length;
      for (let feature = 0; feature < leading; feature += 1) expect(Math.abs(a.lambda[feature] / b.lambda[feature] - 1)).toBeLessThan(1e-4);
      for (const value of correlations(a.C, b.C, b.gram, b.mean).slice(0, leading)) expect(value).toBeGreaterThan(0.997);
      expect(Math.abs(total(single.edges.lib[layer]) / total(analysis.edges.lib[layer]) - 1)).toBeLessThan(1e-5);
    }
  }, patience);
});

describe.skipIf(missing).each([0, 3])(`The authors' stored numbers${suffix}, seed %i`, (seed) => {
  let analysis: AnalysedModel;
  let authors: (name: string) => Promise<Matrix>;
  beforeAll(async () => {
    analysis = await analyseModularAddition(seed, await createEngine({ backend: "wasm", precision: "float64" }), { threshold: 1e-13, edgeBases: [] });
    authors = await authorsGraph(seed, "lib");
  }, patience);

  it("are our means and Grams to 1e-13", async () => {
    for (const [layer, name] of rotated.entries()) {
      const { mean, gram } = analysis.bases[layer]!;
      expect(relativeDifference(mean, (await authors(`mean_vectors.${name}`)).data)).toBeLessThan(1e-13);
      expect(relativeDifference(gram, await authors(`gram_matrices.${name}`))).toBeLessThan(1e-13);
    }
  });

  it("are our Lambda and feature directions, as far as their noise directions let them repeat", async () => {
    for (const [layer] of rotated.entries()) {
      const { lambda, C, gram, mean } = analysis.bases[layer]!;
      const wanted = (await authors(`interaction_rotations.${layer}.Lambda`)).data;
      const sorted = [wanted[0], ...[...wanted.slice(1)].sort((a, b) => b - a)];
      const leading = lambda.filter((value) => value > 1e-4 * lambda[1]).length;
      for (let feature = 0; feature < leading; feature += 1) expect(Math.abs(lambda[feature] / sorted[feature] - 1)).toBeLessThan(1e-3);
      const similar = correlations(C, await authors(`interaction_rotations.${layer}.C`), gram, mean);
      for (const value of similar.slice(0, leading)) expect(value).toBeGreaterThan(0.98);
    }
  });

  it("are our edges between their features to 1e-6, the precision they were accumulated in", async () => {
    for (const [index, section] of analysis.network.sections.entries()) {
      const next = index + 1 < rotated.length ? await authors(`interaction_rotations.${index + 1}.C`) : null;
      const task = await taskOf(analysis, index, next);
      const edges = await planSection(section, { task: { edgesFrom: task.features.C.cols }, outputs: section.outputWidth, positions: 3, points: 1 }).edges(task);
      expect(relativeDifference(edges, await authors(`edges.${index}.E_hat`))).toBeLessThan(1e-6);
    }
  }, patience);

  it("are our Lambda from their next layer's features", async () => {
    for (const [index, section] of analysis.network.sections.entries()) {
      const next = index + 1 < rotated.length ? await authors(`interaction_rotations.${index + 1}.C`) : null;
      const M = await planSection(section, { task: "gram", outputs: section.outputWidth, positions: 3, points: 1 }).jacobianGram(await taskOf(analysis, index, next));
      const { mean, gram } = analysis.bases[index]!;
      const [statistics, directions, thresholds] = [{ mean, gram, centered: true }, principalDirections(gram, true), { threshold: 1e-13, pcaThreshold: 1e-13 }] as const;
      const { lambda } = libBasis(statistics, directions, whitenedGram(statistics, directions, M, thresholds), thresholds);
      const wanted = [...(await authors(`interaction_rotations.${index}.Lambda`)).data].sort((a, b) => b - a);
      const sorted = [...lambda].sort((a, b) => b - a);
      for (let feature = 0; feature < 15; feature += 1) expect(Math.abs(sorted[feature] / wanted[feature] - 1)).toBeLessThan(1e-6);
    }
  }, patience);

  async function taskOf({ network }: AnalysedModel, index: number, nextC: Matrix | null): Promise<EdgesTask> {
    return {
      section: network.sections[index],
      activations: new ActivationSource(network, trainingBatches(network), 0, () => undefined).at(index),
      points: [{ alpha: 1, weight: 1 }],
      nextC,
      features: { C: await authors(`interaction_rotations.${index}.C`), CPinv: await authors(`interaction_rotations.${index}.C_pinv`) },
      memoryBudget: 2 ** 28,
      checkCancelled: () => undefined,
      progress: () => undefined,
    };
  }
});

const total = (edges: Matrix): number => edges.data.reduce((sum, value) => sum + value, 0);

/** |correlation| over the data of feature j of one basis with feature j of another: C_a^T Y G Y^T C_b normalised, G the centred Gram. */
function correlations(a: Matrix, b: Matrix, gram: Matrix, mean: Float64Array): number[] {
  const toOriginal = uncentring(mean);
  const raw = multiply(multiply(toOriginal, gram, { transposeA: true }), toOriginal);
  const moment = (left: Matrix, right: Matrix, feature: number): number => {
    let sum = 0;
    for (let row = 0; row < raw.rows; row += 1) {
      for (let col = 0; col < raw.cols; col += 1) sum += left.data[row * left.cols + feature] * raw.data[row * raw.cols + col] * right.data[col * right.cols + feature];
    }
    return sum;
  };
  return Array.from({ length: Math.min(a.cols, b.cols, 30) }, (_, feature) =>
    Math.abs(moment(a, b, feature)) / Math.sqrt(moment(a, a, feature) * moment(b, b, feature)));
}

/** Y_inv: g @ Y_inv = f. */
const uncentring = (mean: Float64Array): Matrix => centeredFrom(mean.map((value, index) => (index < mean.length - 1 ? -value : value)), identity(mean.length));
