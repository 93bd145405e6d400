/**
 * @file Leiden community detection for modularity (Traag, Waltman, van Eck 2019, "From Louvain to Leiden"), on compressed rows.
 * Three steps are repeated until nothing moves: nodes move to the best neighbouring community, every community is refined
 * into well-connected parts, and the graph of these parts becomes the next graph, partitioned as before the refinement.
 */

import { seededRandom, shuffle } from "../../random";
import { aggregate, type WeightedGraph } from "./weightedGraph";

export interface LeidenOptions {
  /** Resolution gamma: larger gives more and smaller communities. */
  resolution?: number;
  seed?: number;
  /** Full rounds of the three steps; each starts from the partition of the one before. */
  iterations?: number;
}

/** How freely the refinement picks among merges that all raise the quality (theta of the paper, in units of the mean edge weight). */
const randomness = 0.01;
const smallestGain = 1e-12;

/**
 * Partition of the nodes that (locally) maximises modularity.
 * @returns community of every node, numbered 0, 1, ... by decreasing size, ties by lowest node.
 */
export function leiden(graph: WeightedGraph, { resolution = 1, seed = 0, iterations = 10 }: LeidenOptions = {}): Int32Array {
  const random = seededRandom(seed);
  let partition: Int32Array = Int32Array.from({ length: graph.nodes }, (_, node) => node);
  if (graph.total === 0) return partition;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const next = oneRound(graph, partition, resolution, random);
    const unchanged = next.every((community, node) => community === partition[node]);
    partition = next;
    if (unchanged) break;
  }
  return partition;
}

function oneRound(graph: WeightedGraph, start: Int32Array, resolution: number, random: () => number): Int32Array {
  /** Node of the current level that holds each original node. */
  const holder = Int32Array.from({ length: graph.nodes }, (_, node) => node);
  let level = graph;
  let partition = Int32Array.from(start);
  for (;;) {
    moveNodes(level, partition, resolution, random);
    const communities = renumber(partition);
    if (communities === level.nodes) break;
    const refined = refine(level, partition, resolution, random);
    const parts = renumber(refined);
    // A refinement that leaves every node alone could not shrink the graph: then the communities themselves are aggregated.
    const [grouping, count] = parts < level.nodes ? [refined, parts] : [partition, communities];
    const nextPartition = new Int32Array(count);
    for (let node = 0; node < level.nodes; node++) nextPartition[grouping[node]!] = partition[node]!;
    for (let node = 0; node < graph.nodes; node++) holder[node] = grouping[holder[node]!]!;
    level = aggregate(level, grouping, count);
    partition = nextPartition;
  }
  const result = Int32Array.from(holder, (node) => partition[node]!);
  return bySize(result);
}

/** Fast local moving: a queue of nodes, each moved to the community of largest gain; its neighbours are looked at again. */
function moveNodes(graph: WeightedGraph, community: Int32Array, resolution: number, random: () => number): void {
  const strength = communityStrength(graph, community);
  const size = new Int32Array(graph.nodes);
  for (const own of community) size[own]!++;
  const order = Int32Array.from({ length: graph.nodes }, (_, node) => node);
  shuffle(order, random);
  const queue = Array.from(order);
  const waiting = new Uint8Array(graph.nodes).fill(1);
  const toCommunity = new Map<number, number>();
  for (let head = 0; head < queue.length; head++) {
    const node = queue[head]!;
    waiting[node] = 0;
    const own = community[node]!;
    weightsToCommunities(graph, node, community, toCommunity);
    strength[own]! -= graph.strength[node]!;
    const penalty = (resolution * graph.strength[node]!) / (2 * graph.total);
    let best = own;
    let bestGain = (toCommunity.get(own) ?? 0) - penalty * strength[own]!;
    for (const [candidate, weight] of toCommunity) {
      const gain = weight - penalty * strength[candidate]!;
      if (gain > bestGain + smallestGain * graph.total) {
        best = candidate;
        bestGain = gain;
      }
    }
    // Alone is better than in bad company; a node that shares its community leaves an unused number for it.
    if (bestGain < -smallestGain * graph.total && size[own]! > 1) best = size.indexOf(0);
    strength[best]! += graph.strength[node]!;
    if (best === own) continue;
    size[own]!--;
    size[best]!++;
    community[node] = best;
    for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
      const neighbor = graph.neighbors[at]!;
      if (community[neighbor] !== best && waiting[neighbor] === 0) {
        waiting[neighbor] = 1;
        queue.push(neighbor);
      }
    }
  }
}

/** Splits every community into parts that are well connected inside it; parts only ever merge within their community. */
function refine(graph: WeightedGraph, partition: Int32Array, resolution: number, random: () => number): Int32Array {
  const part = Int32Array.from({ length: graph.nodes }, (_, node) => node);
  const partStrength = Float64Array.from(graph.strength);
  const partSize = new Int32Array(graph.nodes).fill(1);
  const communityTotal = communityStrength(graph, partition);
  /** Weight from each part to the rest of its community. */
  const outward = new Float64Array(graph.nodes);
  for (let node = 0; node < graph.nodes; node++) {
    for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
      if (partition[graph.neighbors[at]!] === partition[node]) outward[node]! += graph.weights[at]!;
    }
  }
  const wellConnected = (which: number, community: number): boolean =>
    outward[which]! >= (resolution * partStrength[which]! * (communityTotal[community]! - partStrength[which]!)) / (2 * graph.total);
  const temperature = randomness * ((2 * graph.total) / Math.max(1, graph.neighbors.length));
  const order = Int32Array.from({ length: graph.nodes }, (_, node) => node);
  shuffle(order, random);
  const toPart = new Map<number, number>();
  for (const node of order) {
    const community = partition[node]!;
    if (partSize[part[node]!] !== 1 || !wellConnected(part[node]!, community)) continue;
    toPart.clear();
    for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
      const neighbor = graph.neighbors[at]!;
      if (partition[neighbor] === community) toPart.set(part[neighbor]!, (toPart.get(part[neighbor]!) ?? 0) + graph.weights[at]!);
    }
    const penalty = (resolution * graph.strength[node]!) / (2 * graph.total);
    const candidates: { which: number; gain: number; weight: number }[] = [];
    for (const [which, weight] of toPart) {
      const gain = weight - penalty * partStrength[which]!;
      if (which !== part[node] && gain > 0 && wellConnected(which, community)) candidates.push({ which, gain, weight });
    }
    if (candidates.length === 0) continue;
    const chosen = pick(candidates, temperature, random);
    const old = part[node]!;
    part[node] = chosen.which;
    partStrength[chosen.which]! += graph.strength[node]!;
    partSize[chosen.which]!++;
    outward[chosen.which]! += outward[old]! - 2 * chosen.weight;
    partStrength[old] = 0;
    partSize[old] = 0;
    outward[old] = 0;
  }
  return part;
}

/** One candidate, with probability proportional to exp(gain / temperature). */
function pick<T extends { gain: number }>(candidates: readonly T[], temperature: number, random: () => number): T {
  const best = Math.max(...candidates.map(({ gain }) => gain));
  const odds = candidates.map(({ gain }) => Math.exp((gain - best) / temperature));
  let left = random() * odds.reduce((sum, value) => sum + value, 0);
  for (let index = 0; index < candidates.length; index++) {
    left -= odds[index]!;
    if (left <= 0) return candidates[index]!;
  }
  return candidates[candidates.length - 1]!;
}

function weightsToCommunities(graph: WeightedGraph, node: number, community: Int32Array, into: Map<number, number>): void {
  into.clear();
  for (let at = graph.offsets[node]!; at < graph.offsets[node + 1]!; at++) {
    const other = community[graph.neighbors[at]!]!;
    into.set(other, (into.get(other) ?? 0) + graph.weights[at]!);
  }
}

function communityStrength(graph: WeightedGraph, community: Int32Array): Float64Array {
  const strength = new Float64Array(graph.nodes);
  for (let node = 0; node < graph.nodes; node++) strength[community[node]!]! += graph.strength[node]!;
  return strength;
}

/** Numbers the communities 0, 1, ... in order of appearance, in place. @returns how many there are. */
function renumber(community: Int32Array): number {
  const numbers = new Map<number, number>();
  for (let node = 0; node < community.length; node++) {
    const old = community[node]!;
    if (!numbers.has(old)) numbers.set(old, numbers.size);
    community[node] = numbers.get(old)!;
  }
  return numbers.size;
}

function bySize(community: Int32Array): Int32Array {
  const count = renumber(community);
  const sizes = new Int32Array(count);
  for (const own of community) sizes[own]!++;
  const ranked = Array.from(sizes.keys()).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const rank = new Int32Array(count);
  ranked.forEach((own, index) => { rank[own] = index; });
  return community.map((own) => rank[own]!);
}
