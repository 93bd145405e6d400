/** @file What a feature is computed from, and what it feeds. */

import type { Graph, NodeRef } from "./model";

export interface PathEdge { section: number; edge: number }
export interface Reach { edges: PathEdge[]; nodes: NodeRef[] }

/** Most edges of a highlighted path; a denser one says nothing. */
const pathLimit = 20_000;

/**
 * Breadth first over the edges that are shown.
 * @param shown edges at or above the threshold, by section.
 */
export function traverse(graph: Graph, start: NodeRef, hops: number, directions: readonly ("in" | "out")[], shown: readonly number[]): Reach {
  const edges: PathEdge[] = [];
  const seen = new Set<string>([key(start)]);
  const nodes: NodeRef[] = [start];
  for (const direction of directions) {
    let frontier: NodeRef[] = [start];
    for (let hop = 0; hop < hops && frontier.length > 0; hop++) {
      const next: NodeRef[] = [];
      for (const node of frontier) {
        const section = direction === "out" ? node.layer : node.layer - 1;
        const found = graph.sections[section];
        if (found === undefined || !found.known) continue;
        const list = direction === "out" ? found.outgoing : found.incoming;
        for (let at = list.start[node.feature]!; at < list.start[node.feature + 1]!; at++) {
          const edge = list.edges[at]!;
          if (edge >= shown[section]! || edges.length >= pathLimit) break;
          edges.push({ section, edge });
          const other = direction === "out" ? { layer: node.layer + 1, feature: found.target[edge]! } : { layer: node.layer - 1, feature: found.source[edge]! };
          if (seen.has(key(other))) continue;
          seen.add(key(other));
          nodes.push(other);
          next.push(other);
        }
      }
      frontier = next;
    }
  }
  return { edges, nodes };
}

const key = (node: NodeRef): string => `${node.layer}:${node.feature}`;
