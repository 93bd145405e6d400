/** @file Modules of an interaction graph: features of all node layers, grouped by how strongly they interact (method section 4.5). */

import { matrix, type Matrix } from "../../linalg/matrix";
import { shuffle } from "../../random";
import { normalizeEdges, type EdgeNorm } from "./edgeNorms";
import { leiden, type LeidenOptions } from "./leiden";
import { modularity, weightedGraph, type WeightedEdge, type WeightedGraph } from "./weightedGraph";

/** Feature `index` of node layer number `layer`. */
interface FeatureAddress { layer: number; index: number }

export interface ModuleOptions extends LeidenOptions {
  norm?: EdgeNorm;
  /** For the logarithmic norms: one epsilon per section. */
  epsilons?: readonly number[];
  /** Feature 0 is the constant one: it stays alone, its edges are left out. True when absent. */
  constantFirst?: boolean;
  /** The last section leads to an un-rotated output, whose components become one node. */
  mergeOutput?: boolean;
  /** Deals the edges of every section out anew (a random graph to compare with). */
  permute?: () => number;
}

export interface Modules {
  /** Newman's modularity of the partition at resolution 1. */
  modularity: number;
  /** Largest first; features without any edge are modules of their own, at the end. */
  clusters: FeatureAddress[][];
  /** Per section, the share of its edge weight that stays inside modules; 0 for a section without edges. */
  inside: number[];
  /** Share of the summed size of all edges, before any norm, that stays inside modules; 0 without edges. */
  edgesInside: number;
}

/** The graph that is clustered, and where each of its nodes lives. */
export interface FeatureGraph { graph: WeightedGraph; address: FeatureAddress[] }

/**
 * @param sections E [out, in] between node layer l and l + 1, in order; all node layers that appear are part of the graph.
 *   Leave out the section into an un-rotated output, or merge it: logits are not features.
 * @throws RangeError when the widths of neighbouring sections differ.
 */
export function featureGraph(sections: readonly Matrix[], options: ModuleOptions = {}): FeatureGraph {
  const { address, edges } = weightedEdges(sections, options);
  return { graph: weightedGraph(address.length, edges), address };
}

/** Leiden communities of the features; every feature is in exactly one cluster. */
export function findModules(sections: readonly Matrix[], options: ModuleOptions = {}): Modules {
  const { address, edges } = weightedEdges(sections, options);
  const graph = weightedGraph(address.length, edges);
  const community = leiden(graph, options);
  const clusters: FeatureAddress[][] = [];
  community.forEach((own, node) => (clusters[own] ??= []).push(address[node]!));
  const [all, kept] = [sections.map(() => 0), sections.map(() => 0)];
  for (const { source, target, weight } of edges) {
    const { layer } = address[source]!;
    all[layer]! += weight;
    if (community[source] === community[target]) kept[layer]! += weight;
  }
  return { modularity: modularity(graph, community), clusters, inside: all.map((total, layer) => (total > 0 ? kept[layer]! / total : 0)), edgesInside: edgesInside(sections, community, options) };
}

/** sum |E| between features of one module / sum |E|, over all sections, without the constant features. @param community by node of the graph */
function edgesInside(sections: readonly Matrix[], community: ArrayLike<number>, { constantFirst = true, mergeOutput = false }: ModuleOptions): number {
  const first = constantFirst ? 1 : 0;
  let [all, inside, from] = [0, 0, 0];
  for (const [layer, { rows, cols, data }] of sections.entries()) {
    const to = from + cols;
    const merged = mergeOutput && layer === sections.length - 1;
    for (let out = merged ? 0 : first; out < rows; out++) {
      const own = community[merged ? to : to + out];
      for (let input = first; input < cols; input++) {
        const size = Math.abs(data[out * cols + input]!);
        all += size;
        if (community[from + input] === own) inside += size;
      }
    }
    from = to;
  }
  return all > 0 ? inside / all : 0;
}

function weightedEdges(sections: readonly Matrix[], options: ModuleOptions): { address: FeatureAddress[]; edges: WeightedEdge[] } {
  const { norm = "sqrt", epsilons, constantFirst = true, mergeOutput = false, permute } = options;
  if (sections.length === 0) return { address: [], edges: [] };
  const last = sections.length - 1;
  const widths = [sections[0]!.cols, ...sections.map(({ rows }, section) => (mergeOutput && section === last ? 1 : rows))];
  const starts: number[] = [];
  const address: FeatureAddress[] = [];
  widths.forEach((width, layer) => {
    if (layer > 0 && layer < sections.length && sections[layer]!.cols !== width) {
      throw new RangeError(`Node layer ${layer} has ${width} features as an output and ${sections[layer]!.cols} as an input.`);
    }
    starts.push(address.length);
    for (let index = 0; index < width; index++) address.push({ layer, index });
  });
  const first = constantFirst ? 1 : 0;
  const edges: WeightedEdge[] = [];
  sections.forEach((section, layer) => {
    const merged = mergeOutput && layer === last;
    const { rows, cols, data } = merged ? mergedEdges(section, norm, epsilons?.[layer]) : normalizeEdges(section, norm, epsilons?.[layer]);
    const own: WeightedEdge[] = [];
    for (let out = merged ? 0 : first; out < rows; out++) {
      for (let input = first; input < cols; input++) {
        own.push({ source: starts[layer]! + input, target: starts[layer + 1]! + out, weight: Math.abs(data[out * cols + input]!) });
      }
    }
    if (permute) deal(own, permute);
    edges.push(...own);
  });
  return { address, edges };
}

/** Edges to all outputs together [1, in]: their sum before the norm, of the scale of the largest single edge after it. */
function mergedEdges(edges: Matrix, norm: EdgeNorm, epsilon: number | undefined): Matrix {
  const { rows, cols, data } = norm === "max" ? normalizeEdges(edges, norm) : edges;
  const sum = matrix(1, cols);
  for (let out = 0; out < rows; out++) for (let input = 0; input < cols; input++) sum.data[input]! += data[out * cols + input]!;
  return norm === "max" ? sum : normalizeEdges(sum, norm, epsilon);
}

/** Weights change places at random, edges stay where they are. */
function deal(edges: WeightedEdge[], random: () => number): void {
  const order = Int32Array.from(edges.keys());
  shuffle(order, random);
  const weights = edges.map(({ weight }) => weight);
  edges.forEach((edge, place) => { edge.weight = weights[order[place]!]!; });
}
