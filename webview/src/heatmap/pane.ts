/** @file One matrix on a canvas: pixels by table, axes, and the cell under pointer or keyboard. */

import type { BasisName } from "../../../server/src/protocol/result";
import type { ViewMatrix } from "../../../server/src/protocol/views";
import { element } from "../shared/dom";
import type { Theme } from "../shared/theme";
import type { Orders } from "./order";
import { levelFor, pyramid, type Level } from "./pyramid";
import { tableIndex } from "./scale";
import { pan, reveal, zoom, type Viewport } from "./viewport";

/** Room for row and column labels. */
const gutter = { left: 44, top: 30 };
/** Cells must be this high before each one is labelled. */
const labelledCell = 13;

export interface PaneData {
  basis: BasisName;
  title: string;
  matrix: ViewMatrix;
  orders: Orders | null;
  /** Names along the sides, in the order of the matrix. */
  rowName(index: number): string;
  colName(index: number): string;
}

export interface Cell { row: number; col: number }

export interface PaneActions {
  viewport(): Viewport;
  setViewport(viewport: Viewport): void;
  /** The cell that is read out; `spoken` when it was moved by key. */
  point(pane: Pane, cell: Cell | null, spoken: boolean): void;
  key(event: KeyboardEvent, pane: Pane): boolean;
}

export class Pane {
  readonly node: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly caption = element("p", { class: "pane-caption" });
  private readonly levels: Level[];
  cell: Cell = { row: 0, col: 0 };

  constructor(readonly data: PaneData, private readonly actions: PaneActions) {
    const { matrix, orders } = data;
    this.levels = pyramid(matrix, orders?.rows ?? null, orders?.cols ?? null);
    this.canvas = element("canvas", { class: "pane-canvas", attributes: {
      tabindex: 0, role: "application", "aria-roledescription": "heatmap",
      "aria-label": `${data.title}, ${matrix.rows} rows and ${matrix.cols} columns. Arrow keys move between cells, plus and minus zoom, 0 shows everything.`,
    } });
    this.node = element("figure", { class: "pane", attributes: { "aria-label": data.title } }, element("figcaption", {}, element("span", { class: "pane-title" }, data.title), this.caption), element("div", { class: "pane-box" }, this.canvas));
    this.listen();
  }

  /** Original row and column of a place in the picture. */
  original({ row, col }: Cell): Cell {
    const { orders } = this.data;
    return { row: orders === null ? row : orders.rows[row]!, col: orders === null ? col : orders.cols[col]! };
  }

  value(cell: Cell): number {
    const { row, col } = this.original(cell);
    return this.data.matrix.values[row * this.data.matrix.cols + col]!;
  }

  describe(cell: Cell): string {
    const { row, col } = this.original(cell);
    return `${this.data.colName(col)} → ${this.data.rowName(row)}`;
  }

  draw(pixels: Uint32Array, limit: number, theme: Theme, viewport: Viewport, cursor: boolean): void {
    const { clientWidth: width, clientHeight: height } = this.canvas.parentElement!;
    // A pane in a hidden tab has no size; it is drawn when the tab comes to the front.
    if (width <= gutter.left || height <= gutter.top) return;
    this.drawOn(this.canvas, { width, height }, devicePixelRatio, pixels, limit, theme, viewport, cursor);
  }

  /** Also used for exports, with a canvas and size of its own. */
  drawOn(
    canvas: HTMLCanvasElement, size: { width: number; height: number }, ratio: number,
    pixels: Uint32Array, limit: number, theme: Theme, viewport: Viewport, cursor: boolean,
  ): void {
    canvas.width = Math.max(1, Math.round(size.width * ratio));
    canvas.height = Math.max(1, Math.round(size.height * ratio));
    const context = canvas.getContext("2d")!;
    const width = Math.max(1, Math.round((size.width - gutter.left) * ratio));
    const height = Math.max(1, Math.round((size.height - gutter.top) * ratio));
    context.putImageData(this.image(width, height, pixels, limit, viewport), Math.round(gutter.left * ratio), Math.round(gutter.top * ratio));
    context.scale(ratio, ratio);
    this.axes(context, size, theme, viewport);
    if (cursor) this.cursor(context, size, theme, viewport);
  }

  private image(width: number, height: number, pixels: Uint32Array, limit: number, view: Viewport): ImageData {
    const { rows, cols } = this.data.matrix;
    const level = this.levels[levelFor(this.levels, Math.min((view.width * cols) / width, (view.height * rows) / height))]!;
    const image = new ImageData(width, height);
    const target = new Uint32Array(image.data.buffer);
    const colAt = Int32Array.from({ length: width }, (_, x) => Math.min(level.cols - 1, Math.floor((view.x + ((x + 0.5) / width) * view.width) * level.cols)));
    const rowAt = (y: number): number => Math.min(level.rows - 1, Math.floor((view.y + ((y + 0.5) / height) * view.height) * level.rows));
    // One side may still have several cells for a pixel when the matrix is much longer than wide.
    const spanX = Math.max(1, Math.floor((view.width * level.cols) / width));
    const spanY = Math.max(1, Math.floor((view.height * level.rows) / height));
    for (let y = 0; y < height; y++) {
      const row = rowAt(y);
      for (let x = 0; x < width; x++) {
        let value = level.values[row * level.cols + colAt[x]!]!;
        if (spanX > 1 || spanY > 1) value = strongestIn(level, row, colAt[x]!, spanY, spanX);
        // Values that are not numbers get a checkerboard: no colour of the scale stands for them.
        target[y * width + x] = Number.isFinite(value) ? pixels[tableIndex(value, limit)]! : ((x >> 2) + (y >> 2)) % 2 === 0 ? 0xff808080 : 0xff404040;
      }
    }
    return image;
  }

  private axes(context: CanvasRenderingContext2D, size: { width: number; height: number }, theme: Theme, view: Viewport): void {
    const { rows, cols } = this.data.matrix;
    const cellWidth = (size.width - gutter.left) / (view.width * cols);
    const cellHeight = (size.height - gutter.top) / (view.height * rows);
    context.fillStyle = theme.muted;
    context.strokeStyle = theme.line;
    context.font = `10px ${theme.font}`;
    context.textBaseline = "middle";
    context.strokeRect(gutter.left - 0.5, gutter.top - 0.5, size.width - gutter.left, size.height - gutter.top);
    const stepOf = (cell: number, room: number): number => {
      let step = 1;
      for (let k = 0; step * cell < room; k++) step = [1, 2, 5][k % 3]! * 10 ** Math.floor(k / 3);
      return step;
    };
    context.textAlign = "right";
    const rowStep = stepOf(cellHeight, labelledCell);
    for (let row = Math.ceil(view.y * rows / rowStep) * rowStep; row < Math.min(rows, (view.y + view.height) * rows); row += rowStep) {
      context.fillText(this.data.rowName(this.original({ row, col: 0 }).row), gutter.left - 5, gutter.top + (row + 0.5 - view.y * rows) * cellHeight, gutter.left - 6);
    }
    context.textAlign = "center";
    const colStep = stepOf(cellWidth, 34);
    for (let col = Math.ceil(view.x * cols / colStep) * colStep; col < Math.min(cols, (view.x + view.width) * cols); col += colStep) {
      const x = gutter.left + (col + 0.5 - view.x * cols) * cellWidth;
      if (x < size.width - 10) context.fillText(this.data.colName(this.original({ row: 0, col }).col), x, gutter.top - 10);
    }
  }

  private cursor(context: CanvasRenderingContext2D, size: { width: number; height: number }, theme: Theme, view: Viewport): void {
    const { rows, cols } = this.data.matrix;
    const cellWidth = (size.width - gutter.left) / (view.width * cols);
    const cellHeight = (size.height - gutter.top) / (view.height * rows);
    const x = gutter.left + (this.cell.col - view.x * cols) * cellWidth;
    const y = gutter.top + (this.cell.row - view.y * rows) * cellHeight;
    const grow = (extent: number): number => Math.max(0, (7 - extent) / 2);
    context.save();
    context.beginPath();
    context.rect(gutter.left - 3, gutter.top - 3, size.width - gutter.left + 3, size.height - gutter.top + 3);
    context.clip();
    for (const [colour, line] of [[theme.background, 4], [theme.foreground, 2]] as const) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      context.strokeRect(x - grow(cellWidth), y - grow(cellHeight), Math.max(7, cellWidth), Math.max(7, cellHeight));
    }
    context.restore();
  }

  /** The cell at a point of the canvas, or null in the gutters. */
  private at(event: MouseEvent): Cell | null {
    const view = this.actions.viewport();
    const { x, y } = this.share(event);
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    const { rows, cols } = this.data.matrix;
    return { row: Math.min(rows - 1, Math.floor((view.y + y * view.height) * rows)), col: Math.min(cols - 1, Math.floor((view.x + x * view.width) * cols)) };
  }

  private share(event: MouseEvent): { x: number; y: number } {
    return {
      x: (event.offsetX - gutter.left) / (this.canvas.clientWidth - gutter.left),
      y: (event.offsetY - gutter.top) / (this.canvas.clientHeight - gutter.top),
    };
  }

  private listen(): void {
    const { canvas, actions } = this;
    const { rows, cols } = this.data.matrix;
    let drag: { x: number; y: number } | null = null;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const { x, y } = this.share(event);
      actions.setViewport(zoom(actions.viewport(), Math.exp(event.deltaY * 0.0015), Math.max(0, x), Math.max(0, y), rows, cols));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY };
      canvas.setPointerCapture(event.pointerId);
      const cell = this.at(event);
      if (cell !== null) this.cell = cell;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (drag === null) { actions.point(this, this.at(event), false); return; }
      const view = actions.viewport();
      actions.setViewport(pan(view, ((drag.x - event.clientX) / (canvas.clientWidth - gutter.left)) * view.width, ((drag.y - event.clientY) / (canvas.clientHeight - gutter.top)) * view.height));
      drag = { x: event.clientX, y: event.clientY };
    });
    const release = (): void => { drag = null; };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", () => actions.point(this, null, false));
    canvas.addEventListener("focus", () => actions.point(this, this.cell, true));
    canvas.addEventListener("keydown", (event) => { if (this.key(event) || actions.key(event, this)) { event.preventDefault(); event.stopPropagation(); } });
  }

  private key(event: KeyboardEvent): boolean {
    if (event.altKey || event.ctrlKey || event.metaKey) return false;
    const { rows, cols } = this.data.matrix;
    const step = event.shiftKey ? 10 : 1;
    const move = ({ ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step], Home: [0, -cols], End: [0, cols], PageUp: [-rows, 0], PageDown: [rows, 0] } as Record<string, [number, number]>)[event.key];
    if (move === undefined) return false;
    const limit = (value: number, length: number): number => Math.min(length - 1, Math.max(0, value));
    this.cell = { row: limit(this.cell.row + move[0], rows), col: limit(this.cell.col + move[1], cols) };
    this.actions.setViewport(reveal(this.actions.viewport(), this.cell.row, this.cell.col, rows, cols));
    this.actions.point(this, this.cell, true);
    return true;
  }
}

function strongestIn(level: Level, row: number, col: number, rows: number, cols: number): number {
  let strongest = 0;
  for (let y = row; y < Math.min(level.rows, row + rows); y++) {
    for (let x = col; x < Math.min(level.cols, col + cols); x++) {
      const value = level.values[y * level.cols + x]!;
      if (Math.abs(value) > Math.abs(strongest) || Number.isNaN(value)) strongest = value;
    }
  }
  return strongest;
}
