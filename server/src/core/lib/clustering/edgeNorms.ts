/** @file Edge norms (method section 4.5): how interaction strengths become the weights of the graph that is clustered or drawn. */

import type { Matrix } from "../../linalg/matrix";

export const edgeNorms = ["identity", "sqrt", "abs", "max", "log", "node-log"] as const;
export type EdgeNorm = (typeof edgeNorms)[number];

/** Norms that need no number besides the edges themselves. */
const plainNorms: Record<Exclude<EdgeNorm, "log" | "node-log">, (edges: Float64Array) => Float64Array> = {
  identity: (edges) => edges,
  sqrt: (edges) => edges.map((edge) => Math.sqrt(Math.abs(edge))),
  abs: (edges) => scaled(edges, edges.reduce((sum, edge) => sum + Math.abs(edge), 0)),
  max: (edges) => scaled(edges, edges.reduce((largest, edge) => Math.max(largest, Math.abs(edge)), 0)),
};

function scaled(edges: Float64Array, by: number): Float64Array {
  return by > 0 ? edges.map((edge) => edge / by) : edges;
}

/**
 * Weights of the edges of one section.
 * @param edges E [out, in]
 * @param epsilon for "log" and "node-log": edges up to this size weigh nothing, others log10(|E| / epsilon), for "node-log" times the share
 *   sqrt(E) has among the edges from the same feature. Usually the smallest edge that edge ablation had to keep.
 * @throws RangeError for a logarithmic norm without a positive epsilon.
 */
export function normalizeEdges(edges: Matrix, norm: EdgeNorm, epsilon?: number): Matrix {
  if (norm !== "log" && norm !== "node-log") return { ...edges, data: plainNorms[norm](edges.data) };
  if (epsilon === undefined || !(epsilon > 0)) throw new RangeError("The log norm needs a positive epsilon: the smallest edge that counts.");
  const logarithms = edges.data.map((edge) => (Math.abs(edge) > epsilon ? Math.log10(Math.abs(edge) / epsilon) : 0));
  return { ...edges, data: norm === "log" ? logarithms : timesShares(edges, logarithms) };
}

/** weight[i, j] sqrt(E[i, j]) / sum_i sqrt(E[i, j]) */
function timesShares({ rows, cols, data }: Matrix, weights: Float64Array): Float64Array {
  const sums = new Float64Array(cols);
  for (let at = 0; at < rows * cols; at++) sums[at % cols]! += Math.sqrt(Math.abs(data[at]!));
  return weights.map((weight, at) => (weight === 0 ? 0 : (weight * Math.sqrt(Math.abs(data[at]!))) / sums[at % cols]!));
}
