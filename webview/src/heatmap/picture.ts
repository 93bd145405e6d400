/** @file The panes as one PNG or SVG, and their numbers as CSV. */

import { csv, escapeXml } from "../shared/exports";
import { number } from "../shared/format";
import type { Theme } from "../shared/theme";
import { cssColour } from "./colour";
import { paintColourBar } from "./colourBar";
import type { Pane } from "./pane";
import { pixelTable, tableIndex, type ScaleKind } from "./scale";
import { whole } from "./viewport";

export interface PictureOptions { panes: readonly Pane[]; colours: Uint32Array; limit: number; scale: ScaleKind; theme: Theme; title: string }

const side = 460;
const margin = 24;
const head = 64;

export function heatmapCanvas({ panes, colours, limit, scale, theme, title }: PictureOptions): HTMLCanvasElement {
  const ratio = 2;
  const canvas = document.createElement("canvas");
  canvas.width = (margin + panes.length * (side + margin)) * ratio;
  canvas.height = (head + side + margin) * ratio;
  const context = canvas.getContext("2d")!;
  context.scale(ratio, ratio);
  context.fillStyle = theme.background;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = theme.foreground;
  context.textBaseline = "middle";
  context.font = `600 13px ${theme.font}`;
  context.fillText(title, margin, 20);
  context.font = `11px ${theme.font}`;
  const scaleText = `±${number(limit)}`;
  paintColourBar(context, margin, 34, 160, 8, colours, limit, scale);
  context.fillStyle = theme.foreground;
  context.fillText(scaleText, margin + 170, 38);
  const pixels = pixelTable(colours, limit, scale);
  panes.forEach((pane, index) => {
    const own = document.createElement("canvas");
    pane.drawOn(own, { width: side, height: side }, ratio, pixels, limit, theme, whole, false);
    const left = margin + index * (side + margin);
    context.drawImage(own, left, head, side, side);
    context.fillStyle = theme.foreground;
    context.fillText(pane.data.title, left + 44, head - 6);
  });
  return canvas;
}

/** Cells as rectangles up to this many; larger matrices would make a file that nothing opens. */
const rectangleLimit = 40_000;

export function heatmapSvg({ panes, colours, limit, scale, theme, title }: PictureOptions): string {
  const width = margin + panes.length * (side + margin);
  const height = head + side + margin;
  const pixels = pixelTable(colours, limit, scale);
  const parts = [
    `<rect width="${width}" height="${height}" fill="${theme.background}"/>`,
    `<text x="${margin}" y="24" fill="${theme.foreground}" font-weight="600" font-size="13">${escapeXml(title)} (±${number(limit)})</text>`,
  ];
  panes.forEach((pane, index) => {
    const left = margin + index * (side + margin);
    const { matrix } = pane.data;
    parts.push(`<text x="${left}" y="${head - 10}" fill="${theme.foreground}" font-size="11">${escapeXml(pane.data.title)}, ${matrix.rows} × ${matrix.cols}</text>`);
    // A matrix beyond the limit is drawn as its strongest cells per block.
    const rows = Math.min(matrix.rows, Math.floor(Math.sqrt(rectangleLimit * (matrix.rows / matrix.cols))) || 1);
    const cols = Math.min(matrix.cols, Math.floor(rectangleLimit / rows));
    const cellWidth = side / cols;
    const cellHeight = side / rows;
    for (let row = 0; row < rows; row++) {
      for (let col = 0; col < cols; col++) {
        const value = strongest(pane, row, col, rows, cols);
        if (value === 0) continue;
        parts.push(`<rect x="${(left + col * cellWidth).toFixed(2)}" y="${(head + row * cellHeight).toFixed(2)}" width="${cellWidth.toFixed(2)}" height="${cellHeight.toFixed(2)}" fill="${cssColour(pixels[tableIndex(value, limit)]!)}"/>`);
      }
    }
    parts.push(`<rect x="${left}" y="${head}" width="${side}" height="${side}" fill="none" stroke="${theme.line}"/>`);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escapeXml(theme.font)}" shape-rendering="crispEdges">\n<title>${escapeXml(title)}</title>\n${parts.join("\n")}\n</svg>\n`;
}

function strongest(pane: Pane, row: number, col: number, rows: number, cols: number): number {
  const { matrix } = pane.data;
  let found = 0;
  for (let y = Math.floor((row * matrix.rows) / rows); y < Math.floor(((row + 1) * matrix.rows) / rows); y++) {
    for (let x = Math.floor((col * matrix.cols) / cols); x < Math.floor(((col + 1) * matrix.cols) / cols); x++) {
      const value = pane.value({ row: y, col: x });
      if (Math.abs(value) > Math.abs(found)) found = value;
    }
  }
  return found;
}

export function heatmapCsv(panes: readonly Pane[]): string {
  function* rows(): Generator<(string | number)[]> {
    for (const { data } of panes) {
      const { rows: count, cols, values } = data.matrix;
      for (let row = 0; row < count; row++) for (let col = 0; col < cols; col++) yield [data.basis, data.rowName(row), data.colName(col), values[row * cols + col]!];
    }
  }
  return csv(["basis", "output", "input", "jacobian"], rows());
}
