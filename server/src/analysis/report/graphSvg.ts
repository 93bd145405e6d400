/** @file The interaction graph as a still picture: the most important features and their strongest interactions. */

import type { ResultMetadata } from "../../protocol/result";
import { escape } from "./html";

const rowHeight = 14;
const columnWidth = 250;
const margin = { top: 34, side: 60, bottom: 12 };

/** Features drawn per layer and interactions per section; the result has all of them. */
export const shownFeatures = 40;
const shownEdges = 120;

export function graphSvg({ layers, sections }: ResultMetadata): string {
  const counts = layers.map((layer, index) => shown(layer.kept > 0 ? layer.kept : (sections[index - 1]?.shape[0] ?? layer.dimension), layer.kept > 0));
  const rows = Math.max(...counts.map(({ count }) => count), 1);
  const width = 2 * margin.side + (layers.length - 1) * columnWidth;
  const height = margin.top + rows * rowHeight + margin.bottom;
  const x = (layer: number): number => margin.side + layer * columnWidth;
  const y = (layer: number, feature: number): number => margin.top + (feature - counts[layer]!.first + 0.5) * rowHeight;
  const visible = (layer: number, feature: number): boolean => feature >= counts[layer]!.first && feature - counts[layer]!.first < counts[layer]!.count;

  const lines = sections.flatMap((section) => {
    const { source, target, weight } = section.edges;
    const from = section.index;
    const drawn = weight.map((value, i) => ({ value, source: source[i]!, target: target[i]! })).filter((edge) => visible(from, edge.source) && visible(from + 1, edge.target)).slice(0, shownEdges);
    const largest = Math.abs(drawn[0]?.value ?? 0);
    if (largest === 0) return [];
    return drawn.map((edge) => {
      // Edges are squares of interactions: the root shows more of them than the strongest few.
      const strength = Math.sqrt(Math.abs(edge.value) / largest);
      const [x1, x2] = [x(from), x(from + 1)];
      const bend = columnWidth / 2;
      return `<path class="edge" d="M${x1} ${y(from, edge.source)}C${x1 + bend} ${y(from, edge.source)} ${x2 - bend} ${y(from + 1, edge.target)} ${x2} ${y(from + 1, edge.target)}"`
        + ` stroke-width="${(0.3 + 2.7 * strength).toFixed(2)}" opacity="${(0.05 + 0.85 * strength).toFixed(2)}"/>`;
    }).reverse();
  });
  const nodes = layers.flatMap((_, layer) => Array.from({ length: counts[layer]!.count }, (_unused, row) =>
    `<circle class="node" cx="${x(layer)}" cy="${y(layer, row + counts[layer]!.first)}" r="3"><title>feature ${row + counts[layer]!.first}</title></circle>`));
  const labels = layers.map((layer, index) => `<text class="label" x="${x(index)}" y="18" text-anchor="middle">${escape(layer.name)}</text>`);
  return `<svg role="img" aria-label="Interaction graph" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${lines.join("")}${nodes.join("")}${labels.join("")}</svg>`;
}

/** Feature 0 of a rotated layer is the constant and stays hidden. */
function shown(features: number, hasConstant: boolean): { first: number; count: number } {
  const first = hasConstant ? 1 : 0;
  return { first, count: Math.max(0, Math.min(shownFeatures, features - first)) };
}
