/** @file How strong an edge looks and how large a node is: shared by the canvas and the SVG export. */

import type { EdgeNorm, EdgeScale } from "../shared/savedState";
import type { Graph, GraphLayer } from "./model";
import { normFactor } from "./threshold";

/** Levels of width and opacity. Fewer than 16 look like walls of one colour. */
export const levels = 24;
/** Decades below the strongest edge over which the logarithmic width falls to its smallest. */
const decades = 4;

/** 0…1 for an edge of `share` of the strongest one in the picture. */
export function strength(share: number, scale: EdgeScale): number {
  const value = Math.min(1, Math.max(0, share));
  if (scale === "linear") return value;
  if (scale === "sqrt") return Math.sqrt(value);
  return value > 0 ? Math.max(0, 1 + Math.log10(value) / decades) : 0;
}

/** The largest edge of the picture in units of the norm, against which strength is measured. */
export function strongest(graph: Graph, norm: EdgeNorm): number {
  let largest = 0;
  for (const section of graph.sections) if (section.weight.length > 0) largest = Math.max(largest, Math.abs(section.weight[0]!) * normFactor(section, norm));
  return largest > 0 ? largest : 1;
}

/** Distance between columns at which edges have their full width. */
const fullColumn = 260;

/**
 * @param value strength in 0…1.
 * @param drawn edges drawn in the section: the more there are, the lighter each one.
 * @param space in a narrow picture, and between many rows, lines are thinner and lighter.
 */
export function edgeLook(value: number, drawn: number, space: { columnWidth: number; rowHeight: number }, highContrast: boolean): { width: number; alpha: number } {
  const room = Math.min(1, Math.max(0.45, space.columnWidth / fullColumn));
  const crowd = Math.min(1, Math.max(0.22, Math.sqrt((90 * room) / Math.max(1, drawn))));
  const widest = Math.max(0.8, Math.min(5, space.rowHeight * 0.4));
  const alpha = ((highContrast ? 0.35 : 0.12) + (highContrast ? 0.65 : 0.78) * value * value) * (highContrast ? Math.max(0.5, crowd) : crowd);
  return { width: Math.min(widest, 0.7 + 4.3 * value * value * value) * room, alpha: Math.min(1, alpha) };
}

/** 0…1 by importance within the layer: area follows the square root, so that small features stay visible. */
export function nodeWeight(layer: GraphLayer, feature: number): number {
  const { importance } = layer;
  if (importance === null || importance.length === 0) return 0.5;
  if (layer.constant && feature === 0) return 1;
  const largest = importance[layer.constant ? 1 : 0] ?? 0;
  const own = importance[feature] ?? 0;
  return largest > 0 ? Math.sqrt(Math.max(0, own) / largest) : 0;
}

export function nodeRadius(weight: number, rowHeight: number): number {
  const largest = Math.min(10, Math.max(1.6, rowHeight * 0.44));
  return Math.max(1.2, largest * (0.34 + 0.66 * weight));
}
