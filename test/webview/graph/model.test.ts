import { describe, expect, test } from "vitest";
import { buildGraph, matrixEdges, neighbours, type Graph } from "../../../webview/src/graph/model";
import { countAbove, countsAt, defaultThreshold, extent, firstPicture, normFactor, shownEdges } from "../../../webview/src/graph/threshold";
import { traverse } from "../../../webview/src/graph/traverse";
import { afterEvent, emptyData, fromResult } from "../../../webview/src/shared/data";
import type { EdgeNorm } from "../../../webview/src/shared/savedState";
import { fixture, modularAddition, runEvents } from "../fixtures";

const { metadata } = fixture(modularAddition, 3, true);
const data = fromResult("file:///r", metadata, null);
const graph = buildGraph(data, { basis: "lib", showConstant: false });
const full = buildGraph(data, { basis: "lib", showConstant: true });
const norms: EdgeNorm[] = ["strongest", "total", "absolute"];
const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

describe("graph", () => {
  test("edges are sorted by size and stay within their layers", () => {
    graph.sections.forEach((section, index) => {
      for (let edge = 0; edge < section.weight.length; edge++) {
        if (edge > 0) expect(Math.abs(section.weight[edge]!)).toBeLessThanOrEqual(Math.abs(section.weight[edge - 1]!));
        expect(section.source[edge]!).toBeLessThan(graph.layers[index]!.count);
        expect(section.target[edge]!).toBeLessThan(graph.layers[index + 1]!.count);
      }
    });
  });

  test("hiding the constant feature removes exactly its edges", () => {
    full.sections.forEach((section, index) => {
      const ofConstant = Array.from(section.source).filter((source, edge) => source === 0 || (full.layers[index + 1]!.constant && section.target[edge] === 0)).length;
      expect(graph.sections[index]!.weight.length).toBe(section.weight.length - ofConstant);
      expect(Array.from(graph.sections[index]!.source)).not.toContain(0);
    });
  });

  test("neighbours of all nodes are the edges, each once from either side", () => {
    graph.sections.forEach((section, index) => {
      const ids = (layer: number, direction: "in" | "out"): number[] =>
        Array.from({ length: graph.layers[layer]!.count }, (_, feature) => neighbours(graph, { layer, feature }, direction).map(({ edge }) => edge)).flat().sort((a, b) => a - b);
      const all = Array.from(section.weight.keys());
      expect(ids(index, "out")).toEqual(all);
      expect(ids(index + 1, "in")).toEqual(all);
    });
  });

  test("partners come strongest first", () => {
    const list = neighbours(graph, { layer: 0, feature: 3 }, "out").map(({ weight }) => Math.abs(weight));
    expect(list).toEqual([...list].sort((a, b) => b - a));
    expect(list.length).toBeGreaterThan(3);
  });

  test("an edge matrix and the list in the summary make the same graph", () => {
    const small = fixture(modularAddition, 3, true);
    const list = matrixEdges(small.matrices.get("edges/0")!);
    expect(list.weight.length).toBe(small.metadata.sections[0]!.edges.weight.length);
    expect(Array.from(list.weight).slice(0, 50)).toEqual(small.metadata.sections[0]!.edges.weight.slice(0, 50));
    expect(list.total).toBeCloseTo(small.metadata.sections[0]!.total, 6);
  });

  test("merged outputs are one node whose edges are the sums of the edges to all of them", () => {
    const merged = buildGraph(data, { basis: "lib", showConstant: false, mergeOutputs: true });
    const last = graph.layers.length - 1;
    expect(merged.layers[last]).toMatchObject({ merged: graph.layers[last]!.count, count: 1, known: true });
    expect(merged.layers.slice(0, last)).toEqual(graph.layers.slice(0, last));
    expect(merged.sections.slice(0, -1)).toEqual(graph.sections.slice(0, -1));
    for (let feature = 1; feature < graph.layers[last - 1]!.count; feature++) {
      const apart = neighbours(graph, { layer: last - 1, feature }, "out").reduce((sum, { weight }) => sum + Math.abs(weight), 0);
      const together = neighbours(merged, { layer: last - 1, feature }, "out");
      expect(together).toHaveLength(1);
      expect(together[0]!.weight / apart).toBeCloseTo(1, 5);
    }
  });

  test("between neurons no feature is the constant one, and every neuron has a node", () => {
    const small = fixture(modularAddition, 3);
    const matrices = new Map(small.metadata.sections.map(({ index }) => [index, small.matrices.get(`jacobian-rms/neuron/${index}`)!]));
    const neurons = buildGraph(fromResult("file:///r", small.metadata, null), { basis: "neuron", showConstant: false, matrices });
    expect(neurons.layers.map(({ count, first, constant }) => [count, first, constant])).toEqual(modularAddition.map(({ dimension }) => [dimension, 0, false]));
    neurons.sections.forEach(({ total: sum }, index) => expect(sum).toBeCloseTo(Array.from(matrices.get(index)!.values).reduce((all, value) => all + Math.abs(value), 0), 3));
  });

  test("PCA sections without their matrix are unknown, not empty", () => {
    const pca = buildGraph(data, { basis: "pca", showConstant: false });
    expect(pca.sections.every((section) => !section.known)).toBe(true);
  });
});

describe("threshold", () => {
  test.each(norms)("counts by binary search equal counts one by one (%s)", (norm) => {
    const ends = extent(graph, norm)!;
    for (let step = 0; step <= 20; step++) {
      const threshold = ends.smallest * (ends.largest / ends.smallest) ** (step / 20) * 1.00001;
      const counted = graph.sections.map((section) => Array.from(section.weight).filter((weight) => Math.abs(weight) * normFactor(section, norm) >= threshold).length);
      expect(countsAt(graph, norm, threshold)).toEqual(counted);
    }
  });

  test.each(norms)("the ends of the slider show one edge at least and all edges at most (%s)", (norm) => {
    const { smallest, largest } = extent(graph, norm)!;
    expect(total(countsAt(graph, norm, largest))).toBeGreaterThan(0);
    expect(total(countsAt(graph, norm, smallest))).toBe(total(graph.sections.map((section) => countAbove(section, smallest / normFactor(section, norm) * (1 - 1e-6)))));
  });

  test("the first threshold shows nearly all weight of every section with few edges", () => {
    const counts = countsAt(graph, "strongest", defaultThreshold(graph, "strongest"));
    expect(total(counts)).toBeLessThanOrEqual(firstPicture);
    graph.sections.forEach((section, index) => {
      const sizes = Array.from(section.weight, Math.abs);
      expect(total(sizes.slice(0, counts[index]))).toBeGreaterThan(0.97 * total(sizes));
    });
  });

  test("the budget keeps the strongest edges in view and says how many are missing", () => {
    const shown = shownEdges(graph, "strongest", 1e-9, 100, 0, 1);
    expect(shown.drawnTotal).toBeLessThanOrEqual(100);
    expect(shown.drawnTotal).toBeGreaterThan(80);
    expect(shown.inView).toBeGreaterThan(shown.drawnTotal);
    expect(shown.drawn[2]).toBe(0);
    const weakestDrawn = Math.min(...[0, 1].map((index) => Math.abs(graph.sections[index]!.weight[shown.drawn[index]! - 1]!) * normFactor(graph.sections[index]!, "strongest")));
    const strongestLeft = Math.max(...[0, 1].map((index) => Math.abs(graph.sections[index]!.weight[shown.drawn[index]!]!) * normFactor(graph.sections[index]!, "strongest")));
    expect(strongestLeft).toBeLessThanOrEqual(weakestDrawn);
  });
});

test("traversal with all hops reaches exactly what repeated single hops reach", () => {
  const shown = countsAt(graph, "strongest", 0.02);
  const start = { layer: 0, feature: graph.sections[0]!.source[0]! };
  const reached = new Set([JSON.stringify(start)]);
  for (let hop = 0; hop < graph.layers.length; hop++) {
    for (const name of [...reached]) {
      const node = JSON.parse(name) as typeof start;
      for (const { node: other, edge, section } of neighbours(graph, node, "out")) if (edge < shown[section]!) reached.add(JSON.stringify(other));
    }
  }
  const found = traverse(graph, start, 99, ["out"], shown);
  expect(new Set(found.nodes.map((node) => JSON.stringify({ layer: node.layer, feature: node.feature })))).toEqual(reached);
  expect(found.edges.every(({ section, edge }) => edge < shown[section]!)).toBe(true);
});

test("a run rebuilt from its events is the graph of its result", () => {
  const rebuilt = runEvents(metadata).reduce(afterEvent, emptyData);
  const again: Graph = buildGraph(rebuilt, { basis: "lib", showConstant: false });
  expect(again).toEqual(graph);
  expect(rebuilt.notes).toEqual(metadata.notes);
});

test("a backend that takes over in the middle changes the name and nothing that is finished", () => {
  const events = runEvents(metadata);
  const started = events.find((event) => event.kind === "started")!;
  const middle = events.findIndex((event) => event.kind === "section") + 1;
  const next = { ...started, backend: { name: "cpu" as const, description: "plain JavaScript" } };
  const replaced = [...events.slice(0, middle), next, ...events.slice(middle)].reduce(afterEvent, emptyData);
  expect(started.backend.name).not.toBe("cpu");
  expect(replaced).toEqual({ ...events.reduce(afterEvent, emptyData), backend: "cpu" });
});

test("a partial run has known and unknown sections, and never an edge of an unknown one", () => {
  const events = runEvents(metadata);
  const firstSection = events.findIndex((event) => event.kind === "section");
  const partial = buildGraph(events.slice(0, firstSection + 1).reduce(afterEvent, emptyData), { basis: "lib", showConstant: false });
  expect(partial.sections.map((section) => section.known)).toEqual([false, false, true]);
  expect(partial.sections[0]!.weight.length).toBe(0);
});
