import { dirname, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { buildNetwork, loadModel } from "../../server/src/analysis/runner/loadModel";
import { loadSpec } from "../../server/src/analysis/spec/loadSpec";
import type { LayerBasis } from "../../server/src/core/lib/basis/layerBasis";
import { findModules } from "../../server/src/core/lib/clustering/modules";
import type { Matrix } from "../../server/src/core/linalg/matrix";
import { readDataSet } from "../../server/src/formats/readDataSet";
import { analyze, type Analysis } from "../core/support/analysis";
import { referenceEngine } from "../core/support/networks";

const file = resolve(import.meta.dirname, "../../examples/block-diagonal/block-diagonal.lib.json");
const sections = [0, 1, 2, 3];

let analysis: Analysis;
beforeAll(async () => {
  const { spec, model } = await loadSpec({ spec: file, model: null });
  const network = buildNetwork(await loadModel(model, spec, Infinity, () => undefined), await referenceEngine(spec.precision));
  const { inputs } = await readDataSet(spec.data, dirname(file));
  analysis = await analyze(network, inputs, { nodeLayers: spec.nodeLayers!, batchSize: 2000, threshold: 1e-6 });
});

/** Share of the variance that a column of `transform` reads from neurons 0 to 3. */
function firstBlockShare(transform: Matrix, { gram }: LayerBasis, feature: number): number {
  const read = (neuron: number): number => transform.data[neuron * transform.cols + feature] ** 2 * gram.data[neuron * gram.cols + neuron];
  const total = (start: number): number => [0, 1, 2, 3].reduce((sum, offset) => sum + read(start + offset), 0);
  return total(0) / (total(0) + total(4));
}

const shares = (basis: "C" | "W"): number[][] => analysis.bases.map((layer) => (
  Array.from({ length: layer[basis].cols }, (_, feature) => firstBlockShare(layer[basis], layer, feature))
));
const least = (values: readonly number[]): number => Math.min(...values.slice(1).map((share) => Math.max(share, 1 - share)));

describe("the example of two blocks", () => {
  it("has LIB features of one block each, while principal components of the inputs mix both", () => {
    for (const layer of shares("C")) expect(least(layer)).toBeGreaterThan(0.95);
    expect(least(shares("W")[0])).toBeLessThan(0.7);
  });

  /** Chance correlates 10,000 random inputs by about a hundredth. */
  it("has next to no edge between the blocks", () => {
    const ownBlock = shares("C");
    for (const section of sections) {
      const { rows, cols, data } = analysis.edges("lib", section);
      let between = 0;
      let all = 0;
      for (let target = 1; target < rows; target += 1) {
        for (let source = 1; source < cols; source += 1) {
          const weight = data[target * cols + source];
          all += weight;
          if (ownBlock[section + 1][target] > 0.5 !== ownBlock[section][source] > 0.5) between += weight;
        }
      }
      expect(between / all).toBeLessThan(1e-2);
    }
  });

  it("falls into modules that keep to one block", () => {
    const ownBlock = shares("C");
    const { clusters, modularity } = findModules(sections.map((section) => analysis.edges("lib", section)));
    const modules = clusters.filter((cluster) => cluster.length > 1);
    const blocks = modules.map((cluster) => new Set(cluster.map(({ layer, index }) => ownBlock[layer][index] > 0.5)));
    expect(blocks.every(({ size }) => size === 1)).toBe(true);
    expect(new Set(blocks.map((block) => [...block][0])).size).toBe(2);
    expect(modularity).toBeGreaterThan(0.3);
  });
});
