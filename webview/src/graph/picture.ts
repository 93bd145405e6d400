/** @file The whole graph as a file: PNG, SVG, CSV, JSON. The picture shows all layers, whatever the camera shows. */

import type { LensData } from "../shared/data";
import { csv } from "../shared/exports";
import { featureName, type Graph } from "./model";
import { fitted, Layout } from "./layout";
import { CanvasPen, SvgPen, type Pen } from "./pen";
import { paintAllEdges, paintHeader, paintMissing, paintNodes, type Scene } from "./painter";
import { shownEdges } from "./threshold";

/** Edges in an exported picture: files may hold more than a screen can show. */
const exportBudget = 50_000;

function exportScene(scene: Scene, threshold: number): Scene {
  const { graph } = scene.layout;
  const longest = Math.max(...graph.layers.map((layer) => layer.count));
  const size = { width: Math.max(900, graph.layers.length * 190), height: Math.min(4000, Math.max(560, longest * 13)) };
  const layout = new Layout(graph, size, fitted);
  return { ...scene, layout, shown: shownEdges(graph, scene.norm, threshold, exportBudget, 0, graph.sections.length - 1) };
}

function paintAll(pen: Pen, scene: Scene): void {
  const { width, height } = scene.layout.size;
  pen.rectangle(0, 0, width, height, scene.theme.background);
  paintAllEdges(pen, scene);
  paintMissing(pen, scene);
  paintNodes(pen, scene);
  paintHeader(pen, scene);
}

export function graphSvg(scene: Scene, threshold: number, title: string): string {
  const whole = exportScene(scene, threshold);
  const pen = new SvgPen(scene.theme.font);
  paintAll(pen, whole);
  return pen.document(whole.layout.size.width, whole.layout.size.height, title);
}

export function graphCanvas(scene: Scene, threshold: number): HTMLCanvasElement {
  const whole = exportScene(scene, threshold);
  const scale = 2;
  const canvas = document.createElement("canvas");
  canvas.width = whole.layout.size.width * scale;
  canvas.height = whole.layout.size.height * scale;
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  paintAll(new CanvasPen(context, scene.theme.font), whole);
  return canvas;
}

interface EdgeRow { from: string; source: string; to: string; target: string; weight: number }

/** The edges at or above the threshold, in full. */
function edgeRows(graph: Graph, above: readonly number[]): EdgeRow[] {
  return graph.sections.flatMap((section, index) => {
    const from = graph.layers[index]!;
    const to = graph.layers[index + 1]!;
    return Array.from({ length: above[index]! }, (_, edge) => ({
      from: from.name,
      source: featureName(from, section.source[edge]!),
      to: to.name,
      target: featureName(to, section.target[edge]!),
      weight: section.weight[edge]!,
    }));
  });
}

export const edgesCsv = (graph: Graph, above: readonly number[]): string =>
  csv(["from layer", "from feature", "to layer", "to feature", "weight"], edgeRows(graph, above).map((row) => [row.from, row.source, row.to, row.target, row.weight]));

export function graphJson(graph: Graph, above: readonly number[], data: LensData, basis: string): string {
  return JSON.stringify({
    model: data.model,
    key: data.metadata?.key ?? null,
    complete: data.metadata?.complete ?? false,
    basis,
    layers: graph.layers.map((layer) => ({ name: layer.name, dimension: layer.dimension, features: layer.count, importance: layer.importance === null ? null : Array.from(layer.importance) })),
    edges: edgeRows(graph, above),
  }, null, 1);
}
