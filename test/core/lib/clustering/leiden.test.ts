import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../../server/src/core/random";
import { leiden } from "../../../../server/src/core/lib/clustering/leiden";
import { modularity, weightedGraph, type WeightedEdge } from "../../../../server/src/core/lib/clustering/weightedGraph";

/** Groups of equal size; edges inside are likelier and heavier than between. */
function plantedEdges(groups: number, size: number, seed: number): WeightedEdge[] {
  const random = seededRandom(seed);
  const edges: WeightedEdge[] = [];
  for (let a = 0; a < groups * size; a++) {
    for (let b = a + 1; b < groups * size; b++) {
      const same = Math.floor(a / size) === Math.floor(b / size);
      if (random() < (same ? 0.5 : 0.05)) edges.push({ source: a, target: b, weight: (same ? 2 : 1) * (0.5 + random()) });
    }
  }
  return edges;
}

const python = "/usr/bin/python3";
const hasOracle = spawnSync(python, ["-c", "import leidenalg, igraph"]).status === 0;

describe("Leiden communities", () => {
  it("finds planted groups exactly when they are clear", () => {
    const graph = weightedGraph(60, plantedEdges(4, 15, 1));
    const community = leiden(graph, { seed: 3 });
    for (let node = 0; node < 60; node++) expect(community[node]).toBe(community[node - (node % 15)]);
    expect(new Set(community).size).toBe(4);
  });

  it("leaves nodes without edges alone and keeps every community connected", () => {
    const graph = weightedGraph(50, plantedEdges(3, 15, 5));
    const community = leiden(graph, { resolution: 1.5 });
    for (let node = 45; node < 50; node++) expect(Array.from(community).filter((own) => own === community[node])).toHaveLength(1);
    for (const own of new Set(community)) {
      const members = Array.from(community.keys()).filter((node) => community[node] === own);
      const reached = new Set([members[0]!]);
      for (const node of reached) {
        for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
          const neighbor = graph.neighbors[at]!;
          if (community[neighbor] === own) reached.add(neighbor);
        }
      }
      expect(reached.size).toBe(members.length);
    }
  });

  it("gives more communities at a larger resolution, and the same ones for the same seed", () => {
    const graph = weightedGraph(120, plantedEdges(6, 20, 2));
    const count = (resolution: number): number => new Set(leiden(graph, { resolution })).size;
    expect(count(1e-3)).toBeLessThan(count(10));
    expect(leiden(graph, { seed: 9 })).toEqual(leiden(graph, { seed: 9 }));
  });

  it("never loses modularity against every node on its own, or all in one community", () => {
    const graph = weightedGraph(40, plantedEdges(2, 20, 4));
    const found = modularity(graph, leiden(graph));
    expect(found).toBeGreaterThan(modularity(graph, Int32Array.from({ length: 40 }, (_, node) => node)));
    expect(found).toBeGreaterThan(modularity(graph, new Int32Array(40)));
  });

  it.skipIf(!hasOracle)("reaches the modularity of leidenalg's best of ten runs (skipped without python3-leidenalg)", () => {
    for (const [groups, size, resolution] of [[6, 20, 1], [10, 12, 0.5], [5, 30, 2]] as const) {
      const edges = plantedEdges(groups, size, groups);
      const graph = weightedGraph(groups * size, edges);
      const input = JSON.stringify({ nodes: groups * size, resolution, edges: edges.map(({ source, target, weight }) => [source, target, weight]) });
      const oracle = spawnSync(python, [join(__dirname, "leiden_oracle.py")], { input, encoding: "utf8" });
      const ours = Math.max(...Array.from({ length: 10 }, (_, seed) => modularity(graph, leiden(graph, { resolution, seed }), resolution)));
      expect(ours).toBeGreaterThan(Number(oracle.stdout) - 1e-3);
    }
  });
});
