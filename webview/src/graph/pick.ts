/** @file What is under the pointer. No index is needed: a column and a row give the node, one section gives the edge. */

import { curveHeight, headerHeight, type Layout } from "./layout";
import type { NodeRef } from "./model";
import type { PathEdge } from "./traverse";

export interface Picked { node: NodeRef | null; edge: PathEdge | null }

const nothing: Picked = { node: null, edge: null };

/** @param drawn edges that are drawn, by section: others cannot be hit. */
export function pick(layout: Layout, drawn: readonly number[], x: number, y: number): Picked {
  if (y < headerHeight) return nothing;
  const { graph } = layout;
  const layer = Math.round((x - layout.x(0)) / layout.columnWidth);
  const feature = layout.featureAt(layer, y);
  if (feature !== null && Math.abs(x - layout.x(layer)) <= Math.max(7, Math.min(12, layout.rowHeight({ layer, feature })))) return { node: { layer, feature }, edge: null };

  const section = Math.floor((x - layout.x(0)) / layout.columnWidth);
  const found = graph.sections[section];
  if (found === undefined) return nothing;
  let best = -1;
  let distance = 5;
  for (let edge = 0; edge < (drawn[section] ?? 0); edge++) {
    const source = { layer: section, feature: found.source[edge]! };
    const start = layout.exit(source);
    const share = (x - start) / (layout.x(section + 1) - start);
    if (share < 0) continue;
    const from = layout.y(source);
    const to = layout.y({ layer: section + 1, feature: found.target[edge]! });
    const off = Math.abs(curveHeight(from, to, share) - y);
    if (off < distance) { distance = off; best = edge; }
  }
  return best < 0 ? nothing : { node: null, edge: { section, edge: best } };
}
