/** @file Draws the graph with a pen: edges from weak to strong, then nodes, then the band with layer names. */

import type { EdgeNorm, EdgeScale } from "../shared/savedState";
import { moduleShape, type Rgb } from "../../../server/src/figures/look";
import { moduleColour } from "../shared/palette";
import { rgba, type Theme } from "../shared/theme";
import { headerHeight, labelGap, type Layout } from "./layout";
import type { GraphLayer, NodeRef } from "./model";
import type { Pen, Stroke } from "./pen";
import { edgeLook, levels, nodeRadius, nodeWeight, strength, strongest } from "./style";
import { normFactor, type Shown } from "./threshold";
import type { PathEdge } from "./traverse";

export interface Scene {
  layout: Layout;
  shown: Shown;
  theme: Theme;
  norm: EdgeNorm;
  scale: EdgeScale;
  /** Module of every feature by layer, -1 for none; null: modules are not shown. */
  modules: readonly (readonly number[])[] | null;
}

const moduleOf = (scene: Scene, layer: number, feature: number): number => scene.modules?.[layer]?.[feature] ?? -1;

/** Edges between two looks at the clock while a large picture is drawn in slices. */
const slice = 256;

/** Draws all shown edges; yields after every slice so that the caller can stop or wait for the next frame. */
export function* paintEdges(pen: Pen, scene: Scene): Generator<void> {
  const { layout, shown, norm, scale } = scene;
  const { graph, size } = layout;
  const reference = strongest(graph, norm);
  const strokes = graph.sections.map((_, section) => looks(scene, section, shown.drawn[section]!));
  // Position of the next edge to draw, by section: from the weakest drawn one to the strongest.
  const next = shown.drawn.map((count) => count - 1);
  const places = graph.sections.map((_, section) => sectionPlaces(layout, section));
  let painted = 0;
  for (let level = 0; level < levels; level++) {
    const ceiling = (level + 1) / levels;
    for (const [section, found] of graph.sections.entries()) {
      const factor = normFactor(found, norm) / reference;
      const x1 = layout.x(section + 1);
      const { from, exit, to } = places[section]!;
      for (; next[section]! >= 0; next[section]!--) {
        const edge = next[section]!;
        const weight = found.weight[edge]!;
        if (level < levels - 1 && strength(Math.abs(weight) * factor, scale) >= ceiling) break;
        const source = found.source[edge]!;
        const y0 = from[source]!;
        const y1 = to[found.target[edge]!]!;
        if ((y0 < 0 && y1 < 0) || (y0 > size.height && y1 > size.height)) continue;
        pen.curve(exit[source]!, y0, x1, y1, strokes[section]!(edge)[level]!);
        if (++painted % slice === 0) yield;
      }
    }
  }
}

/** The same without a pause. */
export function paintAllEdges(pen: Pen, scene: Scene): void {
  const job = paintEdges(pen, scene);
  while (job.next().done !== true);
}

/**
 * Strokes of an edge by level: one table per sign, or per module where modules are shown (an edge between two modules is grey).
 * Lines are no thicker than the rows that they join.
 */
function looks(scene: Scene, section: number, drawn: number): (edge: number) => Stroke[] {
  const { theme, layout } = scene;
  const firstRow = (layer: number): number => layout.rowHeight({ layer, feature: layout.graph.layers[layer]!.first });
  const rowHeight = Math.min(firstRow(section), firstRow(section + 1));
  const table = (colour: Rgb, negative: boolean, fade: number): Stroke[] => Array.from({ length: levels }, (_, level) => {
    const { width, alpha } = edgeLook((level + 0.5) / levels, drawn, { columnWidth: layout.columnWidth, rowHeight }, theme.highContrast);
    return { colour: rgba(colour, Number((alpha * fade).toFixed(3))), width, dashed: negative };
  });
  const { source, target, weight } = layout.graph.sections[section]!;
  if (scene.modules === null) {
    const tables = [table(theme.positive, false, 1), table(theme.negative, true, 1)] as const;
    return (edge) => tables[weight[edge]! < 0 ? 1 : 0];
  }
  const tables = new Map<number, Stroke[]>();
  return (edge) => {
    const from = moduleOf(scene, section, source[edge]!);
    const module = from === moduleOf(scene, section + 1, target[edge]!) ? from : -1;
    const key = 2 * module + (weight[edge]! < 0 ? 1 : 0);
    const known = tables.get(key);
    if (known !== undefined) return known;
    const made = module < 0 ? table(betweenModules(theme), weight[edge]! < 0, 0.55) : table(moduleColour(module, theme.light), weight[edge]! < 0, 1);
    tables.set(key, made);
    return made;
  };
}

const betweenModules = ({ light, highContrast }: Theme): Rgb => (light ? (highContrast ? [60, 60, 60] : [120, 120, 120]) : highContrast ? [200, 200, 200] : [150, 150, 150]);

/** Where the nodes of a section are, by feature: looked up once per node instead of once per edge. */
function sectionPlaces(layout: Layout, section: number): { from: Float64Array; exit: Float64Array; to: Float64Array } {
  const places = (layer: number, place: (node: NodeRef) => number): Float64Array =>
    Float64Array.from({ length: layout.graph.layers[layer]!.count }, (_, feature) => place({ layer, feature }));
  return { from: places(section, (node) => layout.y(node)), exit: places(section, (node) => layout.exit(node)), to: places(section + 1, (node) => layout.y(node)) };
}

/** Highlighted edges, strong enough to be followed by eye. */
export function paintPath(pen: Pen, scene: Scene, edges: readonly PathEdge[]): void {
  const { layout, norm, scale } = scene;
  const reference = strongest(layout.graph, norm);
  const perSection = layout.graph.sections.map(() => 0);
  for (const { section } of edges) perSection[section]!++;
  const strokes = perSection.map((count, section) => looks(scene, section, count));
  for (let at = edges.length - 1; at >= 0; at--) {
    const { section, edge } = edges[at]!;
    const found = layout.graph.sections[section]!;
    const weight = found.weight[edge]!;
    const value = strength((Math.abs(weight) * normFactor(found, norm)) / reference, scale);
    const level = Math.min(levels - 1, Math.floor((0.3 + 0.7 * value) * levels));
    const source = { layer: section, feature: found.source[edge]! };
    const to = layout.y({ layer: section + 1, feature: found.target[edge]! });
    pen.curve(layout.exit(source), layout.y(source), layout.x(section + 1), to, strokes[section]!(edge)[level]!);
  }
}

export function paintNodes(pen: Pen, scene: Scene): void {
  const { layout } = scene;
  for (const [index, layer] of layout.graph.layers.entries()) {
    if (!layer.known) continue;
    for (let feature = layer.first; feature < layer.count; feature++) {
      const node = { layer: index, feature };
      const y = layout.y(node);
      if (y < headerHeight - 10) continue;
      if (y > layout.size.height + 10) break;
      paintNode(pen, scene, node, layout.labelled(node));
    }
  }
}

export function paintNode(pen: Pen, scene: Scene, node: NodeRef, label: boolean): void {
  const { layout, theme } = scene;
  const layer = layout.graph.layers[node.layer]!;
  const weight = nodeWeight(layer, node.feature);
  const radius = nodeRadius(weight, layout.rowHeight(node));
  const x = layout.x(node.layer);
  const y = layout.y(node);
  const module = moduleOf(scene, node.layer, node.feature);
  const colour = module < 0 ? theme.foreground : rgba(moduleColour(module, theme.light));
  const shape = module < 0 ? 0 : moduleShape(module);
  const hollow = layer.importance === null || (layer.constant && node.feature === 0) || shape === 2;
  const rimmed = hollow || shape === 1;
  const outline: Stroke = { colour: shape === 1 ? theme.foreground : colour, width: radius > 3 ? 1.4 : 1, dashed: false };
  // A disc of the background first: edges end at the rim, not in the middle of a translucent disc.
  pen.circle(x, y, radius + 1, theme.background, null);
  pen.circle(x, y, radius, hollow ? theme.background : colour, rimmed ? outline : null);
  if (label) pen.text(layout.text(node), x + labelGap, y, { colour: theme.muted, size: 10.5, align: "left", halo: theme.background });
}

/** Columns and sections that are not computed yet. */
export function paintMissing(pen: Pen, scene: Scene): void {
  const { layout, theme } = scene;
  const { graph, size } = layout;
  const stroke: Stroke = { colour: theme.hatch, width: 1, dashed: false };
  for (const [index, section] of graph.sections.entries()) {
    if (section.known) continue;
    hatch(pen, layout.x(index) + 14, headerHeight + 8, layout.x(index + 1) - 14, size.height - 10, stroke);
  }
  for (const [index, layer] of graph.layers.entries()) {
    if (!layer.known) pen.line(layout.x(index), headerHeight + 8, layout.x(index), size.height - 10, { colour: theme.hatch, width: 2, dashed: true });
  }
}

function hatch(pen: Pen, left: number, top: number, right: number, bottom: number, stroke: Stroke): void {
  const gap = 14;
  const height = bottom - top;
  for (let start = left - height; start < right; start += gap) {
    // A line at 45 degrees, clipped to the box by hand because a pen cannot clip.
    const x0 = Math.max(left, start);
    const x1 = Math.min(right, start + height);
    if (x1 > x0) pen.line(x0, bottom - (x0 - start), x1, bottom - (x1 - start), stroke);
  }
}

export function paintHeader(pen: Pen, scene: Scene): void {
  const { layout, theme } = scene;
  pen.rectangle(0, 0, layout.size.width, headerHeight, theme.background);
  pen.line(0, headerHeight - 0.5, layout.size.width, headerHeight - 0.5, { colour: theme.line, width: 1, dashed: false });
  for (const [index, layer] of layout.graph.layers.entries()) {
    const x = layout.x(index);
    if (x < -60 || x > layout.size.width + 60) continue;
    const room = Math.max(5, Math.floor((layout.columnWidth - 8) / nameLetter));
    const name = layer.name.length > room ? `${layer.name.slice(0, room - 1)}…` : layer.name;
    const caption = layerCaption(layer);
    // A heading that would leave the picture moves inwards: half a word cannot be read.
    const inside = (width: number): number => (x < 0 || x > layout.size.width ? x : Math.max(width / 2 + 4, Math.min(layout.size.width - width / 2 - 4, x)));
    pen.text(name, inside(name.length * nameLetter), 16, { colour: layer.known ? theme.foreground : theme.muted, size: 12, align: "center", bold: true });
    pen.text(caption, inside(caption.length * captionLetter), 32, { colour: theme.muted, size: 10.5, align: "center" });
  }
}

/** Width of a letter of a layer's name and of the line below it, generously. */
const nameLetter = 7.2;
const captionLetter = 6.2;

/** Counts as the hover and the command line do: the constant feature is one of them, drawn or not. */
function layerCaption({ known, count, dimension, importance, merged }: GraphLayer): string {
  if (!known) return `… of ${dimension}`;
  if (merged > 0) return `${merged} outputs`;
  return importance === null ? `${dimension} neurons` : `${count} of ${dimension}`;
}
