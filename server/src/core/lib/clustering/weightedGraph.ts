/** @file An undirected weighted graph in compressed rows: the form in which modules are searched. */

/** Neighbours of node `i`: `neighbors[offsets[i] .. offsets[i + 1]]`, with `weights` beside them. */
export interface WeightedGraph {
  readonly nodes: number;
  readonly offsets: Int32Array;
  readonly neighbors: Int32Array;
  readonly weights: Float64Array;
  /** Weight of the edge from a node to itself (edges inside an aggregated node). */
  readonly loops: Float64Array;
  /** Sum of the weights at every node, a loop counted twice. */
  readonly strength: Float64Array;
  /** Sum of all edge weights, every edge once. */
  readonly total: number;
}

export interface WeightedEdge { source: number; target: number; weight: number }

/**
 * Builds the graph; parallel edges are added up, edges without weight are left out.
 * @throws RangeError for a negative or non-finite weight, or a node outside [0, nodes).
 */
export function weightedGraph(nodes: number, edges: readonly WeightedEdge[]): WeightedGraph {
  const rows: Map<number, number>[] = Array.from({ length: nodes }, () => new Map());
  const loops = new Float64Array(nodes);
  for (const { source, target, weight } of edges) {
    if (!(weight >= 0) || weight === Infinity) throw new RangeError(`Edge ${source} - ${target} has weight ${weight}; weights must be finite and not negative.`);
    if (source < 0 || source >= nodes || target < 0 || target >= nodes) throw new RangeError(`Edge ${source} - ${target} names a node outside 0 to ${nodes - 1}.`);
    if (weight === 0) continue;
    if (source === target) {
      loops[source]! += weight;
      continue;
    }
    rows[source]!.set(target, (rows[source]!.get(target) ?? 0) + weight);
    rows[target]!.set(source, (rows[target]!.get(source) ?? 0) + weight);
  }
  const offsets = new Int32Array(nodes + 1);
  for (let node = 0; node < nodes; node++) offsets[node + 1] = offsets[node]! + rows[node]!.size;
  const neighbors = new Int32Array(offsets[nodes]!);
  const weights = new Float64Array(offsets[nodes]!);
  const strength = new Float64Array(nodes);
  let total = 0;
  for (let node = 0; node < nodes; node++) {
    let at = offsets[node]!;
    strength[node] = 2 * loops[node]!;
    total += loops[node]!;
    for (const [neighbor, weight] of rows[node]!) {
      neighbors[at] = neighbor;
      weights[at++] = weight;
      strength[node]! += weight;
      total += weight / 2;
    }
  }
  return { nodes, offsets, neighbors, weights, loops, strength, total };
}

/** The graph whose nodes are the communities of `community` (numbered 0 to count - 1); weights between and inside are sums. */
export function aggregate(graph: WeightedGraph, community: Int32Array, count: number): WeightedGraph {
  const edges: WeightedEdge[] = [];
  for (let node = 0; node < graph.nodes; node++) {
    if (graph.loops[node]! > 0) edges.push({ source: community[node]!, target: community[node]!, weight: graph.loops[node]! });
    for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
      const neighbor = graph.neighbors[at]!;
      if (neighbor > node) edges.push({ source: community[node]!, target: community[neighbor]!, weight: graph.weights[at]! });
    }
  }
  return weightedGraph(count, edges);
}

/**
 * Newman's modularity of a partition at a resolution:
 * sum over communities of (weight inside) / m - resolution (strength / 2m)^2; 0 for a graph without edges.
 */
export function modularity(graph: WeightedGraph, community: Int32Array, resolution = 1): number {
  if (graph.total === 0) return 0;
  const inside = new Map<number, number>();
  const strength = new Map<number, number>();
  for (let node = 0; node < graph.nodes; node++) {
    const own = community[node]!;
    strength.set(own, (strength.get(own) ?? 0) + graph.strength[node]!);
    let weight = graph.loops[node]!;
    for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
      if (community[graph.neighbors[at]!] === own) weight += graph.weights[at]! / 2;
    }
    inside.set(own, (inside.get(own) ?? 0) + weight);
  }
  let quality = 0;
  for (const [own, weight] of inside) quality += weight / graph.total - resolution * (strength.get(own)! / (2 * graph.total)) ** 2;
  return quality;
}
