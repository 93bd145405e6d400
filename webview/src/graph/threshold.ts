/** @file Which edges are shown: a threshold in units of the chosen norm, then a budget for what is in view. */

import type { EdgeNorm } from "../shared/savedState";
import type { Graph, GraphSection } from "./model";

/** Factor from a weight to the unit of the threshold. */
export function normFactor(section: GraphSection, norm: EdgeNorm): number {
  if (section.weight.length === 0) return 1;
  if (norm === "strongest") return 1 / Math.abs(section.weight[0]!);
  if (norm === "total") return section.total > 0 ? 1 / section.total : 1;
  return 1;
}

/** Number of leading edges with |weight| >= size: the edges are sorted, so a binary search finds it. */
export function countAbove(section: GraphSection, size: number): number {
  let low = 0;
  let high = section.weight.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Math.abs(section.weight[middle]!) >= size) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Float32 weights times their reciprocal may land a rounding error below 1. */
const slack = 1 - 1e-6;

export function countsAt(graph: Graph, norm: EdgeNorm, threshold: number): number[] {
  return graph.sections.map((section) => countAbove(section, (threshold * slack) / normFactor(section, norm)));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Smallest and largest edge in units of the norm; null without any edge. */
export function extent(graph: Graph, norm: EdgeNorm): { smallest: number; largest: number } | null {
  let smallest = Infinity;
  let largest = 0;
  for (const section of graph.sections) {
    if (section.weight.length === 0) continue;
    const factor = normFactor(section, norm);
    smallest = Math.min(smallest, Math.abs(section.weight.at(-1)!) * factor);
    largest = Math.max(largest, Math.abs(section.weight[0]!) * factor);
  }
  // Twelve decades below the largest edge is noise; a slider that spans it could not be aimed.
  return largest > 0 ? { smallest: Math.max(smallest, largest * 1e-9), largest } : null;
}

/** Most edges that the first picture shows: with more, a graph of this shape is a solid block. */
export const firstPicture = 1500;
/** Share of each section's weight that the first picture shows, if that needs no more edges than `firstPicture`. */
const firstShare = 0.98;

/** A threshold at which the picture shows nearly all of the interaction and still can be read. */
export function defaultThreshold(graph: Graph, norm: EdgeNorm): number {
  const ends = extent(graph, norm);
  if (ends === null) return 1;
  const sums = graph.sections.map((section) => {
    const cumulative = new Float64Array(section.weight.length + 1);
    for (let k = 0; k < section.weight.length; k++) cumulative[k + 1] = cumulative[k]! + Math.abs(section.weight[k]!);
    return cumulative;
  });
  const enough = (threshold: number): boolean => {
    const counts = countsAt(graph, norm, threshold);
    if (sum(counts) >= firstPicture) return true;
    return counts.every((count, index) => {
      const cumulative = sums[index]!;
      return cumulative[count]! >= firstShare * cumulative.at(-1)!;
    });
  };
  let low = Math.log(ends.smallest);
  let high = Math.log(ends.largest);
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (enough(Math.exp(middle))) low = middle;
    else high = middle;
  }
  return Math.max(ends.smallest, Math.exp(low));
}

export interface Shown {
  /** Edges at or above the threshold, by section. */
  above: number[];
  /** Edges to draw, by section; 0 for sections out of view. */
  drawn: number[];
  aboveTotal: number;
  /** Edges above the threshold in the sections in view. */
  inView: number;
  drawnTotal: number;
  total: number;
}

/**
 * @param first first and `last` last section in view.
 * @param budget most edges to draw; of the sections in view the strongest (in units of the norm) are taken.
 */
export function shownEdges(graph: Graph, norm: EdgeNorm, threshold: number, budget: number, first: number, last: number): Shown {
  const above = countsAt(graph, norm, threshold);
  const visible = (count: number, index: number): number => (index >= first && index <= last ? count : 0);
  let drawn = above.map(visible);
  const inView = sum(drawn);
  if (inView > budget) {
    const ends = extent(graph, norm)!;
    let low = Math.log(Math.max(threshold, ends.smallest));
    let high = Math.log(ends.largest) + 1;
    for (let step = 0; step < 40; step++) {
      const middle = (low + high) / 2;
      if (sum(countsAt(graph, norm, Math.exp(middle)).map(visible)) > budget) low = middle;
      else high = middle;
    }
    drawn = countsAt(graph, norm, Math.exp(high)).map(visible);
  }
  return { above, drawn, aboveTotal: sum(above), inView, drawnTotal: sum(drawn), total: sum(graph.sections.map((section) => section.weight.length + section.leftOut)) };
}
