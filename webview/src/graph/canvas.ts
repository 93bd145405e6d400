/**
 * @file Two canvases: the picture, and above it what changes with pointer and keyboard. A small picture is drawn at
 * once; a large one in slices of 10 ms per frame into a buffer, while the last one is moved under the camera.
 */

import type { Layout } from "./layout";
import type { NodeRef } from "./model";
import { CanvasPen } from "./pen";
import { paintAllEdges, paintEdges, paintHeader, paintMissing, paintNode, paintNodes, paintPath, type Scene } from "./painter";
import type { PathEdge, Reach } from "./traverse";
import { nodeRadius, nodeWeight } from "./style";
import { element } from "../shared/dom";

/** Up to this many edges are drawn within one frame. */
const direct = 2500;
const sliceMilliseconds = 10;
const refineAfterMilliseconds = 90;

export interface Highlights {
  reach: Reach | null;
  selection: NodeRef | null;
  pinned: NodeRef[];
  hits: NodeRef[];
  hoverNode: NodeRef | null;
  hoverEdge: PathEdge | null;
  /** Node under the keyboard, when the canvas has the focus. */
  cursor: NodeRef | null;
}

export class GraphCanvas {
  readonly picture = element("canvas", { class: "graph-picture", attributes: { "aria-hidden": "true" } });
  readonly overlay: HTMLCanvasElement;
  private readonly buffer = document.createElement("canvas");
  private frame = 0;
  private refine: ReturnType<typeof setTimeout> | undefined;
  private painted: Layout | null = null;

  constructor(overlay: HTMLCanvasElement) {
    this.overlay = overlay;
  }

  /** Draws the picture anew. */
  draw(scene: Scene): void {
    this.stop();
    if (scene.shown.drawnTotal <= direct) {
      const pen = this.clear(this.picture, scene);
      paintAllEdges(pen, scene);
      this.finish(pen, scene);
      this.copyToBuffer();
      return;
    }
    const pen = this.clear(this.buffer, scene);
    const job = paintEdges(pen, scene);
    const step = (): void => {
      const until = performance.now() + sliceMilliseconds;
      let done: boolean | undefined = false;
      while (!done && performance.now() < until) done = job.next().done;
      if (!done) { this.frame = requestAnimationFrame(step); return; }
      this.finish(pen, scene);
      this.clear(this.picture, scene);
      const context = this.picture.getContext("2d")!;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(this.buffer, 0, 0);
    };
    step();
  }

  /** While the camera moves: the last picture under the new view now, a sharp one after the last input. */
  move(scene: Scene): void {
    if (scene.shown.drawnTotal <= direct || this.painted === null) { this.draw(scene); return; }
    this.stop();
    const from = this.painted;
    const to = scene.layout;
    const ratio = devicePixelRatio;
    const scaleX = to.columnWidth / from.columnWidth;
    const scaleY = to.camera.zoom / from.camera.zoom;
    this.clear(this.picture, scene);
    const context = this.picture.getContext("2d")!;
    context.setTransform(scaleX, 0, 0, scaleY, (to.x(0) - from.x(0) * scaleX) * ratio, (to.boundary(0, 0) - from.boundary(0, 0) * scaleY) * ratio);
    context.drawImage(this.buffer, 0, 0);
    this.refine = setTimeout(() => this.draw(scene), refineAfterMilliseconds);
  }

  drawOverlay(scene: Scene, highlights: Highlights): void {
    const pen = this.clear(this.overlay, scene);
    const { reach, selection, pinned, hits, hoverNode, hoverEdge, cursor } = highlights;
    this.picture.classList.toggle("dimmed", reach !== null);
    const { theme, layout } = scene;
    if (reach !== null) {
      paintPath(pen, scene, reach.edges);
      for (const node of reach.nodes) paintNode(pen, scene, node, layout.labelled(node));
    }
    if (hoverEdge !== null) {
      const found = layout.graph.sections[hoverEdge.section]!;
      const from = { layer: hoverEdge.section, feature: found.source[hoverEdge.edge]! };
      const to = { layer: hoverEdge.section + 1, feature: found.target[hoverEdge.edge]! };
      pen.curve(layout.exit(from), layout.y(from), layout.x(to.layer), layout.y(to), { colour: theme.foreground, width: 2, dashed: found.weight[hoverEdge.edge]! < 0 });
    }
    const ring = (node: NodeRef, colour: string, gap: number, width: number): void => {
      const layer = layout.graph.layers[node.layer];
      if (layer === undefined || !layer.known || node.feature < layer.first || node.feature >= layer.count) return;
      const radius = nodeRadius(nodeWeight(layer, node.feature), layout.rowHeight(node));
      pen.circle(layout.x(node.layer), layout.y(node), radius + gap, null, { colour, width, dashed: false });
    };
    for (const node of hits) ring(node, theme.match, 3, 1.5);
    for (const node of pinned) ring(node, theme.accent, 3, 2);
    if (hoverNode !== null) ring(hoverNode, theme.foreground, 4, 1.2);
    if (selection !== null) ring(selection, theme.focus, 4, 2.5);
    if (cursor !== null) ring(cursor, theme.focus, 8, 1.5);
    paintHeader(pen, scene);
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.refine);
  }

  private finish(pen: CanvasPen, scene: Scene): void {
    paintMissing(pen, scene);
    paintNodes(pen, scene);
    this.painted = scene.layout;
  }

  private copyToBuffer(): void {
    this.buffer.width = this.picture.width;
    this.buffer.height = this.picture.height;
    this.buffer.getContext("2d")!.drawImage(this.picture, 0, 0);
  }

  private clear(canvas: HTMLCanvasElement, scene: Scene): CanvasPen {
    const { width, height } = scene.layout.size;
    const ratio = devicePixelRatio;
    // Setting the size also clears the canvas and resets its state.
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d")!;
    context.scale(ratio, ratio);
    return new CanvasPen(context, scene.theme.font);
  }
}
