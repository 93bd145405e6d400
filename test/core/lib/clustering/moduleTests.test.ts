import { describe, expect, it } from "vitest";
import { adjustedRandIndex } from "../../../../server/src/core/lib/clustering/agreement";
import { normalizeEdges } from "../../../../server/src/core/lib/clustering/edgeNorms";
import { leiden } from "../../../../server/src/core/lib/clustering/leiden";
import { featureGraph, findModules } from "../../../../server/src/core/lib/clustering/modules";
import { moduleCount, searchResolution, shuffleTest, stability } from "../../../../server/src/core/lib/clustering/moduleTests";
import { matrix, type Matrix } from "../../../../server/src/core/linalg/matrix";
import { seededRandom } from "../../../../server/src/core/random";

const goOn = (): void => undefined;

/** Sections of a network whose features fall into blocks: strong edges inside, weak ones between; feature 0 is the constant. */
function blocks(count: number, size: number, between: number, seed: number): Matrix[] {
  const random = seededRandom(seed);
  const width = count * size + 1;
  return [0, 1].map(() => {
    const section = matrix(width, width);
    for (let at = 0; at < section.data.length; at += 1) {
      const [out, input] = [Math.floor(at / width), at % width];
      const same = Math.floor((out - 1) / size) === Math.floor((input - 1) / size);
      section.data[at] = input === 0 ? 1000 : out === 0 ? 0 : (same ? 1 : between) * (0.5 + random());
    }
    return section;
  });
}

describe("agreement of partitions", () => {
  it("has the published value, 1 for the same grouping, about 0 by chance", () => {
    // Hubert and Arabie's index of the two partitions in scikit-learn's documentation.
    expect(adjustedRandIndex([0, 0, 1, 2], [0, 0, 1, 1])).toBeCloseTo(0.5714285714, 9);
    expect(adjustedRandIndex([0, 0, 1, 1], [7, 7, 3, 3])).toBe(1);
    expect(adjustedRandIndex([0, 0, 0], [1, 1, 1])).toBe(1);
    const random = seededRandom(4);
    const draw = (): number[] => Array.from({ length: 2000 }, () => Math.floor(random() * 4));
    expect(Math.abs(adjustedRandIndex(draw(), draw()))).toBeLessThan(0.01);
    expect(() => adjustedRandIndex([1], [])).toThrow("cannot be compared");
  });
});

describe("tests of modules", () => {
  it("find a resolution for the wanted number, or none", () => {
    const { graph } = featureGraph(blocks(6, 4, 0.05, 1));
    for (const wanted of [2, 3, 6]) {
      const found = searchResolution(graph, wanted, 1, 0, goOn)!;
      expect(moduleCount(leiden(graph, found))).toBe(wanted);
    }
    expect(searchResolution(graph, 500, 1, 0, goOn)).toBeNull();
  });

  it("real blocks stand out from shuffled edges and do not depend on the seed; noise does neither", () => {
    const real = blocks(4, 5, 0.05, 2);
    const found = findModules(real);
    expect(found.clusters.filter(({ length }) => length > 1)).toHaveLength(4);
    const { graph } = featureGraph(real);
    expect(stability(graph, 1, 0, 6, goOn)).toMatchObject({ runs: 6, mean: 1, least: 1 });
    const test = shuffleTest(real, {}, found.modularity, 40, goOn);
    expect(test.p).toBeCloseTo(1 / 41, 12);
    expect(test.z).toBeGreaterThan(5);
    const noise = blocks(4, 5, 1, 3);
    const noiseFound = findModules(noise);
    expect(stability(featureGraph(noise).graph, 1, 0, 6, goOn).mean).toBeLessThan(0.9);
    expect(shuffleTest(noise, {}, noiseFound.modularity, 40, goOn).p).toBeGreaterThan(0.03);
  });

  it("shuffling keeps the strengths of every section and the constants' solitude", () => {
    const sections = blocks(3, 4, 0.1, 5);
    const [plain, dealt] = [featureGraph(sections), featureGraph(sections, { permute: seededRandom(1) })];
    expect(dealt.graph.total).toBeCloseTo(plain.graph.total, 9);
    expect(Array.from(dealt.graph.weights).sort()).toEqual(Array.from(plain.graph.weights).sort());
    dealt.address.forEach(({ index }, node) => { if (index === 0) expect(dealt.graph.strength[node]).toBe(0); });
  });

  it.each([false, true])("the share of the edges inside is that of their sizes, whatever the norm (outputs as one node: %s)", (mergeOutput) => {
    const sections = blocks(3, 4, 0.3, 7).map((section, layer) => ({ ...section, data: section.data.map((value, at) => (layer + 1) * (at % 2 === 0 ? value : -value)) }));
    for (const norm of ["identity", "sqrt", "max"] as const) {
      const { clusters, edgesInside } = findModules(sections, { norm, mergeOutput });
      const of = new Map(clusters.flatMap((members, cluster) => members.map(({ layer, index }) => [`${layer} ${index}`, cluster])));
      let [inside, all] = [0, 0];
      for (const [layer, { rows, cols, data }] of sections.entries()) {
        const merged = mergeOutput && layer === sections.length - 1;
        for (let out = 0; out < rows; out++) for (let input = 1; input < cols; input++) {
          if (out === 0 && !merged) continue;
          const size = Math.abs(data[out * cols + input]!);
          all += size;
          if (of.get(`${layer} ${input}`) === of.get(`${layer + 1} ${merged ? 0 : out}`)) inside += size;
        }
      }
      expect(edgesInside).toBeCloseTo(inside / all, 12);
      expect(edgesInside).toBeGreaterThan(0.2);
      expect(edgesInside).toBeLessThan(1);
    }
    // without a norm it is the mean of the sections' shares, each counted by its size
    const plain = findModules(sections, { norm: "identity" });
    const sizes = sections.map(({ cols, data }) => data.reduce((sum, value, at) => sum + (at % cols === 0 || at < cols ? 0 : Math.abs(value)), 0));
    const [part, whole] = [sizes.reduce((sum, size, layer) => sum + size * plain.inside[layer]!, 0), sizes.reduce((sum, size) => sum + size, 0)];
    expect(plain.edgesInside).toBeCloseTo(part / whole, 12);
  });

  it("everything stays inside blocks that do not touch, and nothing where there are no edges", () => {
    expect(findModules(blocks(3, 4, 0, 7)).edgesInside).toBe(1);
    expect(findModules([]).edgesInside).toBe(0);
  });

  it("cancel", () => {
    const { graph } = featureGraph(blocks(3, 4, 0.1, 5));
    const stop = (): never => { throw new Error("stopped"); };
    expect(() => stability(graph, 1, 0, 3, stop)).toThrow("stopped");
    expect(() => searchResolution(graph, 3, 1, 0, stop)).toThrow("stopped");
    expect(() => shuffleTest(blocks(3, 4, 0.1, 5), {}, 0, 3, stop)).toThrow("stopped");
  });
});

describe("weights of the graph", () => {
  it("a merged output weighs what its components weigh together", () => {
    const sections = blocks(2, 3, 0.2, 6);
    const widthOf = ({ rows }: Matrix): number => rows;
    for (const [norm, together] of [["identity", (rows: number[]) => rows.reduce((a, b) => a + b)], ["sqrt", (rows: number[]) => Math.sqrt(rows.reduce((a, b) => a + b))]] as const) {
      const { graph, address } = featureGraph(sections, { norm, mergeOutput: true });
      const output = address.findIndex(({ layer }) => layer === 2);
      expect(address.filter(({ layer }) => layer === 2)).toHaveLength(1);
      const { cols, data } = sections[1]!;
      const expected = Array.from({ length: cols - 1 }, (_, input) => together(Array.from({ length: widthOf(sections[1]!) }, (_unused, out) => data[out * cols + input + 1]!)));
      expect(graph.strength[output]).toBeCloseTo(expected.reduce((a, b) => a + b), 9);
    }
  });

  it("node-log gives every feature's edges shares of their logarithm", () => {
    const edges = matrix(2, 2, Float64Array.from([100, 0.5, 400, 10]));
    const { data } = normalizeEdges(edges, "node-log", 1);
    expect(data[0]).toBeCloseTo(2 * (10 / 30), 12);
    expect(data[2]).toBeCloseTo(Math.log10(400) * (20 / 30), 12);
    expect(data[1]).toBe(0);
    expect(data[3]).toBeCloseTo(Math.sqrt(10) / (Math.sqrt(10) + Math.sqrt(0.5)), 12);
    expect(() => normalizeEdges(edges, "node-log")).toThrow("positive epsilon");
  });

  it("keeps half of the edges when epsilon is their median", () => {
    const random = seededRandom(8);
    const edges = matrix(20, 20, Float64Array.from({ length: 400 }, () => random()));
    const median = Float64Array.from(edges.data).sort()[199]!;
    expect(normalizeEdges(edges, "log", median).data.filter((weight) => weight > 0)).toHaveLength(200);
  });
});
