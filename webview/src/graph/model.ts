/**
 * @file The graph as typed arrays: columns are node layers, nodes are features, edges are sorted by size per section.
 * Nothing here knows the DOM. A threshold is then one binary search per section, and nothing is ever filtered again.
 */

import type { BasisName } from "../../../server/src/protocol/result";
import type { LabelsAnswer } from "../../../server/src/protocol/labels";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import type { LensData } from "../shared/data";

export interface GraphLayer {
  name: string;
  /** Width of the node layer. */
  dimension: number;
  /** Features, the constant one included; 0 while unknown. */
  count: number;
  /** Feature 0 is the constant one. */
  constant: boolean;
  /** Importance per feature: Lambda, or the Gram eigenvalue for PCA; null for a layer without a basis. */
  importance: ArrayLike<number> | null;
  /** What the LIB features stand for, where somebody has said. */
  labels: readonly (string | null)[] | null;
  /** Features of the LIB basis that keep the score; null where the result does not say. */
  needed: number | null;
  /** First feature that is shown: 1 when there is a hidden constant one. */
  first: number;
  known: boolean;
  /** The one node of this layer stands for so many outputs; 0 when every feature has its own. */
  merged: number;
}

/** Edges at a node in order of size: `edges[start[f]] … edges[start[f + 1] - 1]`. */
interface Adjacency { start: Uint32Array; edges: Uint32Array }

export interface GraphSection {
  known: boolean;
  /** Edges by falling |weight|; entry k goes from feature source[k] to target[k]. */
  source: Uint32Array;
  target: Uint32Array;
  weight: Float32Array;
  /** Sum of |weight| of all edges except those of the constant feature. */
  total: number;
  /** Edges that the result holds but that were not sent. */
  leftOut: number;
  outgoing: Adjacency;
  incoming: Adjacency;
}

export interface Graph { layers: GraphLayer[]; sections: GraphSection[] }

export interface NodeRef { layer: number; feature: number }

export const sameNode = (a: NodeRef | null, b: NodeRef | null): boolean =>
  a === b || (a !== null && b !== null && a.layer === b.layer && a.feature === b.feature);

export interface GraphOptions {
  basis: BasisName;
  showConstant: boolean;
  /** Labels of this basis that were found just now; those in the result's own file come first. */
  labels?: LabelsAnswer | null;
  /** Edges [out, in] by section of a basis other than LIB, as far as they were read. */
  matrices?: ReadonlyMap<number, ViewMatrix>;
  /** The last layer, when it has no basis of its own, is one node (method 4.5: sums over the outputs). */
  mergeOutputs?: boolean;
}

/** Most edges of one section that are kept for drawing. */
const sectionLimit = 20_000;

/** Only what the picture depends on: progress reports must not rebuild it. */
export type GraphData = Pick<LensData, "layers" | "sections" | "metadata">;

export function buildGraph(data: GraphData, options: GraphOptions): Graph {
  const centred = data.metadata?.spec?.basis?.center !== false;
  const { basis } = options;
  const lists = data.sections.map((slot, index) => edgeList(slot.summary, options.matrices?.get(index), basis));
  const layers = data.layers.map((slot, index): GraphLayer => {
    const { summary } = slot;
    const shape = lists[index]?.inputs ?? lists[index - 1]?.outputs ?? null;
    if (summary === null) {
      return { name: slot.name, dimension: slot.dimension, count: 0, constant: false, importance: null, labels: null, needed: null, first: 0, known: false, merged: 0 };
    }
    const rotated = summary.kept > 0 && basis !== "neuron";
    const spectrum = basis === "lib" ? summary.lambda : rotated ? summary.gramEigenvalues : [];
    const count = shape ?? (rotated ? (basis === "lib" ? summary.kept : summary.gramRank) : summary.dimension);
    const constant = rotated && centred;
    return {
      name: slot.name,
      dimension: summary.dimension,
      count,
      constant,
      importance: spectrum.length > 0 ? spectrum.slice(0, count) : null,
      needed: basis === "lib" ? summary.needed ?? null : null,
      labels: (basis === "lib" ? summary.labels : undefined) ?? options.labels?.layers.find(({ name }) => name === slot.name)?.labels ?? null,
      first: constant && !options.showConstant ? 1 : 0,
      known: true,
      merged: 0,
    };
  });
  if (options.mergeOutputs === true) mergeLast(layers, lists);
  const sections = lists.map((list, index) => {
    const from = layers[index]!;
    const to = layers[index + 1]!;
    return list === null || !from.known || !to.known ? unknownSection : buildSection(list, from, to);
  });
  return { layers, sections };
}

interface List {
  inputs: number;
  outputs: number;
  source: ArrayLike<number>;
  target: ArrayLike<number>;
  weight: ArrayLike<number>;
  total: number;
  leftOut: number;
}

/** Makes the outputs one node: an edge into it is the sum of the edges into all of them. */
function mergeLast(layers: GraphLayer[], lists: (List | null)[]): void {
  const last = layers.at(-1);
  if (last === undefined || !last.known || last.importance !== null || last.count < 2) return;
  layers[layers.length - 1] = { ...last, merged: last.count, count: 1 };
  const list = lists[layers.length - 2] ?? null;
  if (list === null) return;
  const sums = new Float64Array(list.inputs);
  for (let k = 0; k < list.weight.length; k++) sums[list.source[k]!]! += Math.abs(list.weight[k]!);
  lists[layers.length - 2] = { ...list, outputs: 1, source: sums.map((_, feature) => feature), target: new Uint8Array(sums.length), weight: sums };
}

function edgeList(summary: LensData["sections"][number]["summary"], matrix: ViewMatrix | undefined, basis: BasisName): List | null {
  if (basis !== "lib") return matrix === undefined ? null : matrixEdges(matrix, basis === "pca");
  if (summary === null) return null;
  const [outputs, inputs] = summary.shape;
  return { inputs, outputs, ...summary.edges, total: summary.total, leftOut: summary.truncated.count };
}

/**
 * All entries of an edge matrix [out, in] as a list.
 * @param constantFirst column 0 belongs to the constant feature and is not in the total.
 */
export function matrixEdges(matrix: ViewMatrix, constantFirst = true): List {
  const { rows, cols, values } = matrix;
  const order: number[] = [];
  let total = 0;
  for (let at = 0; at < values.length; at++) {
    const size = Math.abs(values[at]!);
    if (size === 0 || !Number.isFinite(size)) continue;
    order.push(at);
    if (!constantFirst || at % cols !== 0) total += size;
  }
  const indices = Uint32Array.from(order).sort((a, b) => Math.abs(values[b]!) - Math.abs(values[a]!));
  const kept = indices.subarray(0, sectionLimit);
  return {
    inputs: cols,
    outputs: rows,
    source: kept.map((at) => at % cols),
    target: kept.map((at) => Math.floor(at / cols)),
    weight: Float32Array.from(kept, (at) => values[at]!),
    total,
    leftOut: indices.length - kept.length,
  };
}

const noAdjacency: Adjacency = { start: new Uint32Array(1), edges: new Uint32Array(0) };
const unknownSection: GraphSection = {
  known: false, source: new Uint32Array(0), target: new Uint32Array(0), weight: new Float32Array(0),
  total: 0, leftOut: 0, outgoing: noAdjacency, incoming: noAdjacency,
};

/** Drops edges of hidden features and sorts the rest by size. */
function buildSection(list: List, from: GraphLayer, to: GraphLayer): GraphSection {
  const kept: number[] = [];
  for (let k = 0; k < list.weight.length; k++) {
    if (list.source[k]! >= from.first && list.target[k]! >= to.first && list.weight[k] !== 0 && Number.isFinite(list.weight[k]!)) kept.push(k);
  }
  kept.sort((a, b) => Math.abs(list.weight[b]!) - Math.abs(list.weight[a]!));
  const source = Uint32Array.from(kept, (k) => list.source[k]!);
  const target = Uint32Array.from(kept, (k) => list.target[k]!);
  return {
    known: true,
    source,
    target,
    weight: Float32Array.from(kept, (k) => list.weight[k]!),
    total: list.total,
    leftOut: list.leftOut,
    outgoing: adjacency(source, from.count),
    incoming: adjacency(target, to.count),
  };
}

/** Edge numbers by node; they stay in order of size because the edges are. */
function adjacency(node: Uint32Array, count: number): Adjacency {
  const start = new Uint32Array(count + 1);
  for (const feature of node) start[feature + 1]!++;
  for (let feature = 0; feature < count; feature++) start[feature + 1]! += start[feature]!;
  const next = start.slice();
  const edges = new Uint32Array(node.length);
  for (let edge = 0; edge < node.length; edge++) edges[next[node[edge]!]!++] = edge;
  return { start, edges };
}

export interface Neighbour { node: NodeRef; weight: number; section: number; edge: number }

/** Partners of a node in the next (`out`) or previous (`in`) layer, strongest first. */
export function neighbours(graph: Graph, node: NodeRef, direction: "in" | "out"): Neighbour[] {
  const section = direction === "out" ? node.layer : node.layer - 1;
  const found = graph.sections[section];
  if (found === undefined || !found.known) return [];
  const list = direction === "out" ? found.outgoing : found.incoming;
  const ends = direction === "out" ? found.target : found.source;
  const layer = direction === "out" ? node.layer + 1 : node.layer - 1;
  const result: Neighbour[] = [];
  for (let at = list.start[node.feature]!; at < list.start[node.feature + 1]!; at++) {
    const edge = list.edges[at]!;
    result.push({ node: { layer, feature: ends[edge]! }, weight: found.weight[edge]!, section, edge });
  }
  return result;
}

/** Sum of the importance of all features but the constant one. */
export function totalImportance(layer: GraphLayer): number {
  let sum = 0;
  if (layer.importance !== null) for (let f = layer.constant ? 1 : 0; f < layer.importance.length; f++) sum += Math.max(0, layer.importance[f]!);
  return sum;
}

export const rowsOf = (layer: GraphLayer): number => Math.max(0, layer.count - layer.first);

/** Names as people read them: f0 is the constant feature where there is one, and a layer without a basis has neurons. */
export function featureName(layer: GraphLayer, feature: number): string {
  if (layer.merged > 0) return `all ${layer.merged}`;
  if (layer.constant && feature === 0) return "constant";
  return `${layer.importance === null ? "n" : "f"}${feature}`;
}
export const nodeName = (graph: Graph, node: NodeRef): string => {
  const layer = graph.layers[node.layer]!;
  return `${layer.name} ${featureName(layer, node.feature)}`;
};
