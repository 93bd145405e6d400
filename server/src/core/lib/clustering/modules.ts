/** @file Modules of an interaction graph: features of all node layers, grouped by how strongly they interact (method section 4.5). */

import type { Matrix } from "../../linalg/matrix";
import { normalizeEdges, type EdgeNorm } from "./edgeNorms";
import { leiden, type LeidenOptions } from "./leiden";
import { modularity, weightedGraph, type WeightedEdge, type WeightedGraph } from "./weightedGraph";

/** Feature `index` of node layer number `layer`. */
export interface FeatureAddress { layer: number; index: number }

export interface ModuleOptions extends LeidenOptions {
  norm?: EdgeNorm;
  /** For the log norm: one epsilon per section. */
  epsilons?: readonly number[];
  /** Feature 0 is the constant one: it stays alone, its edges are left out. True when absent. */
  constantFirst?: boolean;
}

export interface Modules {
  /** Newman's modularity of the partition at resolution 1. */
  modularity: number;
  /** Largest first; features without any edge are modules of their own, at the end. */
  clusters: FeatureAddress[][];
}

/** The graph that is clustered, and where each of its nodes lives. */
export interface FeatureGraph { graph: WeightedGraph; address: FeatureAddress[] }

/**
 * @param sections E [out, in] between node layer l and l + 1, in order; all node layers that appear are part of the graph.
 *   Leave out the section into an un-rotated output: logits are not features.
 * @throws RangeError when the widths of neighbouring sections differ.
 */
export function featureGraph(sections: readonly Matrix[], options: ModuleOptions = {}): FeatureGraph {
  const { norm = "sqrt", epsilons, constantFirst = true } = options;
  if (sections.length === 0) return { graph: weightedGraph(0, []), address: [] };
  const widths = [sections[0]!.cols, ...sections.map(({ rows }) => rows)];
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
    const { rows, cols, data } = normalizeEdges(section, norm, epsilons?.[layer]);
    for (let out = first; out < rows; out++) {
      for (let input = first; input < cols; input++) {
        edges.push({ source: starts[layer]! + input, target: starts[layer + 1]! + out, weight: Math.abs(data[out * cols + input]!) });
      }
    }
  });
  return { graph: weightedGraph(address.length, edges), address };
}

/** Leiden communities of the features; every feature is in exactly one cluster. */
export function findModules(sections: readonly Matrix[], options: ModuleOptions = {}): Modules {
  const { graph, address } = featureGraph(sections, options);
  const community = leiden(graph, options);
  const clusters: FeatureAddress[][] = [];
  community.forEach((own, node) => (clusters[own] ??= []).push(address[node]!));
  return { modularity: modularity(graph, community), clusters };
}
