/** @file Where things are: columns by layer, rows by rank, and a camera with a horizontal stretch of its own. */

import { featureName, rowsOf, type Graph, type NodeRef } from "./model";
import { shortLabel } from "./shortLabel";

export interface Camera { x: number; y: number; zoom: number; stretch: number }
export interface Size { width: number; height: number }

/** Height of the band with layer names, which stays in place. */
export const headerHeight = 46;
const margin = { left: 40, top: headerHeight + 14, bottom: 14 };
/** To the right of the last column, for the labels of its nodes. */
const rightMargin = 56;
/** Below this distance the edges between two columns run into one block; a few columns may stand closer, so that a narrow panel shows all. */
const minColumn = 76;
const minColumnOfFew = 56;
const few = 5;
const labelledRow = 13;
/** From the middle of a node to its label. */
export const labelGap = 14;
/** Width of a letter of a label, generously. */
const letter = 6.5;
/** Rows of a short layer do not spread further than this. */
const maxPitch = 34;

/** Rows are at shares (row / rows) ^ power of the height, from `offset` downwards. */
interface Column { rows: number; offset: number; height: number; power: number }

/** In a layer with more features than fit, the important ones, which come first, get more room than the long tail. */
const crowdedPower = 0.62;

export class Layout {
  private readonly columnGap: number;
  private readonly columns: Column[];
  private readonly right: number;

  constructor(readonly graph: Graph, readonly size: Size, readonly camera: Camera) {
    const columns = graph.layers.length;
    const merged = graph.layers.at(-1)?.merged ?? 0;
    this.right = merged === 0 ? rightMargin : Math.max(rightMargin, labelGap + 6.5 * `all ${merged}`.length + 6);
    const free = size.width - margin.left - this.right;
    this.columnGap = columns > 1 ? Math.max(columns <= few ? minColumnOfFew : minColumn, free / (columns - 1)) : free;
    const height = Math.max(40, size.height - margin.top - margin.bottom);
    this.columns = graph.layers.map((layer) => {
      const rows = Math.max(1, rowsOf(layer));
      // Every layer fills the height by itself: rank is read within a column, not across columns.
      const filled = Math.min(height, rows * maxPitch);
      const crowded = filled / rows < labelledRow && layer.importance !== null;
      // One node for all outputs sits where its edges come from: in the middle.
      return { rows, offset: layer.merged > 0 ? (height - filled) / 2 : 0, height: filled, power: crowded ? crowdedPower : 1 };
    });
  }

  get columnWidth(): number {
    return this.columnGap * this.camera.zoom * this.camera.stretch;
  }

  x(layer: number): number {
    return margin.left + layer * this.columnWidth + this.camera.x;
  }

  /** The node's row is high enough for a label. */
  labelled(node: NodeRef): boolean {
    return this.rowHeight(node) >= labelledRow;
  }

  /** Where edges leave a node: to the right of its label, so that none is crossed out. */
  exit(node: NodeRef): number {
    const x = this.x(node.layer);
    if (!this.labelled(node)) return x;
    const digits = String(this.graph.layers[node.layer]!.count).length + 1;
    return x + Math.min(labelGap + letter * Math.max(digits, this.text(node).length) + 5, this.columnWidth * 0.6);
  }

  /** What stands beside a node: its name, and what it responds to as far as there is room before the next column. */
  text(node: NodeRef): string {
    const layer = this.graph.layers[node.layer]!;
    const name = featureName(layer, node.feature);
    const label = shortLabel(layer.labels?.[node.feature] ?? null);
    const room = Math.floor((this.columnWidth * 0.6 - labelGap - 5) / letter) - name.length - 3;
    if (label === "" || room < 4 || node.layer === this.graph.layers.length - 1) return name;
    return `${name} · ${label.length > room ? `${label.slice(0, room - 1)}…` : label}`;
  }

  /** Height of a node's row in pixels. */
  rowHeight(node: NodeRef): number {
    const row = node.feature - this.graph.layers[node.layer]!.first;
    return this.boundary(node.layer, row + 1) - this.boundary(node.layer, row);
  }

  /** Upper end of a row (0 is the first one shown); whole numbers are the lines between rows. */
  boundary(layer: number, row: number): number {
    const { offset, height, power, rows } = this.columns[layer]!;
    return margin.top + this.camera.y + this.camera.zoom * (offset + height * Math.max(0, row / rows) ** power);
  }

  y(node: NodeRef): number {
    return this.boundary(node.layer, node.feature - this.graph.layers[node.layer]!.first + 0.5);
  }

  /** Feature under a height in a column, or null above and below the column. */
  featureAt(layer: number, y: number): number | null {
    const found = this.graph.layers[layer];
    if (found === undefined || !found.known) return null;
    const { offset, height, power, rows } = this.columns[layer]!;
    const share = ((y - margin.top - this.camera.y) / this.camera.zoom - offset) / height;
    const row = share < 0 ? -1 : Math.floor(rows * share ** (1 / power));
    return row >= 0 && row < rowsOf(found) ? row + found.first : null;
  }

  /** Sections that touch the picture. */
  get visibleSections(): { first: number; last: number } {
    const first = Math.floor((-margin.left - this.camera.x) / this.columnWidth);
    const last = Math.ceil((this.size.width - margin.left - this.camera.x) / this.columnWidth) - 1;
    return { first: Math.max(0, first), last: Math.min(this.graph.sections.length - 1, last) };
  }

  /** Size of everything, for scroll limits and the whole picture in an export. */
  get extent(): Size {
    const tallest = this.camera.zoom * Math.max(0, ...this.columns.map((column) => column.offset + column.height));
    return {
      width: margin.left + this.right + Math.max(0, this.graph.layers.length - 1) * this.columnWidth,
      height: margin.top + margin.bottom + tallest,
    };
  }
}

export const fitted: Camera = { x: 0, y: 0, zoom: 1, stretch: 1 };

/** Zooms so that the point under the pointer stays where it is. */
export function zoomAt(camera: Camera, factor: number, x: number, y: number, horizontalOnly = false): Camera {
  if (horizontalOnly) {
    const stretch = clamp(camera.stretch * factor, 0.25, 16);
    const k = stretch / camera.stretch;
    return { ...camera, stretch, x: scaled(camera.x, x, margin.left, k) };
  }
  const zoom = clamp(camera.zoom * factor, 0.5, 40);
  const k = zoom / camera.zoom;
  return { ...camera, zoom, x: scaled(camera.x, x, margin.left, k), y: scaled(camera.y, y, margin.top, k) };
}

/** A new offset so that `point` = origin + offset + content stays fixed while content grows by k. */
const scaled = (offset: number, point: number, origin: number, k: number): number => point - origin - (point - origin - offset) * k;

/** At least a part of the picture stays in view. */
export function confine(camera: Camera, { graph, size }: Layout): Camera {
  const { width, height } = new Layout(graph, size, camera).extent;
  const slackX = Math.max(0, width - size.width);
  const slackY = Math.max(0, height - size.height);
  return { ...camera, x: clamp(camera.x, -slackX, 0), y: clamp(camera.y, -slackY, 0) };
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/**
 * Height of an edge between two columns: a cubic that leaves and arrives horizontally,
 * at a `share` in 0…1 of the way across.
 */
export function curveHeight(from: number, to: number, share: number): number {
  const t = curveParameter(share);
  return from + (to - from) * t * t * (3 - 2 * t);
}

/** Parameter of the cubic with control points at half way whose x is `share`: x(t) = 1.5 t (1-t) + t³. */
function curveParameter(share: number): number {
  let t = share;
  for (let step = 0; step < 6; step++) {
    const x = 1.5 * t * (1 - t) + t * t * t;
    const slope = 1.5 - 3 * t + 3 * t * t;
    t -= (x - share) / slope;
  }
  return Math.min(1, Math.max(0, t));
}
