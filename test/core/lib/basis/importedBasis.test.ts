import { beforeAll, describe, expect, it } from "vitest";
import { ablateEdges } from "../../../../server/src/core/lib/ablation/edgeAblation";
import { baseScore } from "../../../../server/src/core/lib/ablation/evaluate";
import type { ImportedDirections } from "../../../../server/src/core/lib/basis/importedBasis";
import { featureMapIn } from "../../../../server/src/core/lib/edges/edgesBetween";
import { slice, transpose } from "../../../../server/src/core/linalg/arrange";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import { multiply } from "../../../../server/src/core/linalg/multiply";
import { networkBatches } from "../../../../server/src/core/network/batches";
import type { Network } from "../../../../server/src/core/network/network";
import type { Engine } from "../../../../server/src/engine/engine";
import { randomMatrix } from "../../linalg/random";
import { activationsAt, analyze, relativeDifference, type Analysis, type RunOptions } from "../../support/analysis";
import { gaussian, mlpOf, mlpWeights, referenceEngine, vectors } from "../../support/networks";

let engine: Engine;
beforeAll(async () => { engine = await referenceEngine(); });

const inputs = vectors(200, 5, gaussian(2));
const perceptron = (): Network => mlpOf(mlpWeights([5, 8, 7, 3], 1), engine);
const importing = (directions: Matrix, changes: Partial<ImportedDirections> = {}, options: RunOptions = {}): Promise<Analysis> =>
  analyze(perceptron(), inputs, { imported: new Map([["layers.1", { directions, role: "decoder", source: "file, matrix", ...changes }]]), ...options });

describe("a basis from a file", () => {
  it("that holds the principal directions is the PCA basis", async () => {
    const pca = await analyze(perceptron(), inputs, { formula: "svd" });
    const { C, masked } = pca.bases[1];
    const directions = transpose(slice(C, 0, C.rows - 1, masked, C.cols));
    for (const role of ["decoder", "encoder"] as const) {
      const analysis = await importing(directions, { role });
      expect(relativeDifference(analysis.bases[1].C, pca.bases[1].C)).toBeLessThan(1e-12);
      expect(relativeDifference(analysis.bases[1].CPinv, pca.bases[1].CPinv)).toBeLessThan(1e-12);
      expect(relativeDifference(analysis.bases[1].lambda.slice(1), pca.bases[1].lambda.slice(1))).toBeLessThan(1e-12);
      expect(analysis.layers[1].facts).toEqual({ formula: "imported", global: false, apart: ["constant"], imported: { source: "file, matrix", order: [...directions.data.keys()].slice(0, directions.rows) } });
    }
  });

  it.each(["decoder", "encoder"] as const)("as %s has a left inverse, the file's directions, and features in the order of their mean square", async (role) => {
    const directions = randomMatrix(6, 8, 3);
    const { network, bases, layers } = await importing(directions, { role });
    const { C, CPinv, lambda, masked } = bases[1];
    expect([C.rows, C.cols, masked]).toEqual([9, 7, 1]);
    const product = multiply(CPinv, C);
    product.data.forEach((value, at) => expect(value).toBeCloseTo(at % (product.cols + 1) === 0 ? 1 : 0, 11));
    const order = layers[1].facts!.imported!.order;
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    order.forEach((row, place) => {
      const wanted = directions.data.subarray(row * 8, (row + 1) * 8);
      const found = Float64Array.from(wanted, (_, component) => (role === "decoder" ? CPinv.data[(place + 1) * 9 + component] : C.data[component * 7 + place + 1]));
      expect(relativeDifference(found, Float64Array.from(wanted))).toBeLessThan(1e-12);
    });
    const features = multiply(await activationsAt(network, inputs, 1), C);
    const [squares, means] = [new Float64Array(7), new Float64Array(7)];
    features.data.forEach((value, at) => {
      squares[at % 7] += value ** 2 / features.rows;
      means[at % 7] += value / features.rows;
    });
    expect(relativeDifference(squares, lambda)).toBeLessThan(1e-11);
    expect(means[0]).toBeCloseTo(1, 12);
    means.slice(1).forEach((mean) => expect(Math.abs(mean)).toBeLessThan(1e-6));
    expect([...lambda.slice(1)]).toEqual([...lambda.slice(1)].sort((a, b) => b - a));
  });

  it("without centring covers the constant itself", async () => {
    const directions = randomMatrix(9, 9, 3);
    const { bases } = await importing(directions, {}, { center: false });
    const { C, CPinv, masked } = bases[1];
    expect(masked).toBe(0);
    expect(relativeDifference(multiply(C, CPinv), multiply(CPinv, C))).toBeLessThan(1e-9);
    await expect(importing(directions)).rejects.toThrow(/features of 9 components, but node layer "layers.1" has 8 components beside the constant/);
  });

  it("loses nothing with full rank, gives edges that ablations can rank, and is what the layer before looks at", async () => {
    // Full rank: nothing is lost at the layer.
    const directions = randomMatrix(8, 8, 5);
    const [analysis, lib] = [await importing(directions), await analyze(perceptron(), inputs)];
    const maps = analysis.network.nodeLayers.map((node, layer) => featureMapIn("lib", analysis.layers[layer].basis, node));
    const { C, CPinv } = analysis.bases[1];
    const activations = await activationsAt(analysis.network, inputs, 1);
    expect(relativeDifference(multiply(multiply(activations, C), CPinv), activations)).toBeLessThan(1e-11);
    const labels = Int32Array.from({ length: inputs.count }, (_, sample) => sample % 3);
    const data = { batches: networkBatches(analysis.network.network, inputs, 50), labels, metric: "ce-loss" as const };
    const silent = { checkCancelled: (): void => undefined, progress: (): void => undefined };
    const base = await baseScore(analysis.network, data, silent);
    const edges = analysis.edges("lib", 1);
    const ablated = { section: 1, edges, features: maps[1]!, next: maps[2], constantFeature: true };
    const all = edges.rows * (edges.cols - 1);
    const { probes } = await ablateEdges(analysis.network, ablated, data, base, { schedule: { kind: "linear", points: 2, specificPoints: [all - 1] }, tolerance: 0.001 }, silent);
    const scoreOf = (kept: number): number => probes.find(([count]) => count === kept)![1];
    // One edge of all is the last that is computed rather than taken from the base; it is the weakest, and changes little.
    expect(Math.abs(scoreOf(all - 1) - base)).toBeLessThan(0.1 * Math.abs(scoreOf(0) - base));
    expect(Math.abs(scoreOf(0) - base)).toBeGreaterThan(1e-3);
    expect(relativeDifference(analysis.bases[0].lambda, lib.bases[0].lambda)).toBeGreaterThan(1e-3);
    expect(relativeDifference(analysis.bases[2].lambda, lib.bases[2].lambda)).toBe(0);
  });

  it("is refused when its features depend on each other, are too many, or belong to no layer", async () => {
    const twice = matrix(3, 8, Float64Array.from([...randomMatrix(2, 8, 3).data, ...randomMatrix(2, 8, 3).data.slice(0, 8)]));
    await expect(importing(twice)).rejects.toThrow(/has 3 features but rank 2/);
    await expect(importing(randomMatrix(12, 8, 3))).rejects.toThrow(/12 features, .* more features than components have no left inverse/);
    await expect(analyze(perceptron(), inputs, { imported: new Map([["layers.9", { directions: twice, role: "decoder", source: "f" }]]) })).rejects.toThrow(/"bases" names "layers.9"/);
  });
});
