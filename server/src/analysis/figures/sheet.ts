/** @file Panels with axes on one sheet, with a title and a legend: the frame of every data plot. */

import { scaleOf, type Axis, type Scale } from "./scales";
import { document, element, fitted, textWidth } from "./svg";

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Replaces the numbers below the x axis. */
  readonly categories?: readonly { readonly at: number; readonly text: string }[];
  /** What is drawn inside, in the order of drawing. */
  draw(x: Scale, y: Scale): string[];
}

export interface LegendEntry { readonly text: string; readonly colour: number | "dashed" }

export interface Sheet {
  readonly title: string;
  /** One sentence for readers of screens. */
  readonly description: string;
  readonly legend: readonly LegendEntry[];
  readonly panels: readonly Panel[];
}

const inner = { width: 230, height: 170 };
const around = { left: 62, right: 16, top: 34, bottom: 48 };
const cell = { width: inner.width + around.left + around.right, height: inner.height + around.top + around.bottom };
const header = 54;
const mostColumns = 4;

export function sheet({ title, description, legend, panels }: Sheet): string {
  const columns = Math.max(1, Math.min(mostColumns, panels.length));
  const rows = Math.ceil(panels.length / columns);
  // A legend of one narrow panel still fits.
  const width = Math.max(columns * cell.width, legendWidth(legend) + 32, textWidth(title, 14) + 32);
  const drawn = panels.map((panel, k) => element("g", { transform: `translate(${(k % columns) * cell.width} ${header + Math.floor(k / columns) * cell.height})` }, onePanel(panel)));
  return document(width, header + rows * cell.height + 6, description, [
    element("text", { class: "strong title", x: 16, y: 22 }, title),
    ...legendEntries(legend),
    ...drawn,
  ]);
}

const entryWidth = ({ text }: LegendEntry): number => 26 + textWidth(text) + 18;
const legendWidth = (legend: readonly LegendEntry[]): number => legend.reduce((sum, entry) => sum + entryWidth(entry), 0);

function legendEntries(legend: readonly LegendEntry[]): string[] {
  let x = 16;
  return legend.flatMap((entry) => {
    const line = { x1: x, x2: x + 20, y1: 40, y2: 40 };
    const mark = entry.colour === "dashed" ? element("line", { class: "dashed", ...line }) : element("line", { class: `s${entry.colour}`, "stroke-width": 3, ...line });
    const text = element("text", { x: x + 26, y: 44 }, entry.text);
    x += entryWidth(entry);
    return [mark, text];
  });
}

function onePanel(panel: Panel): string[] {
  const [left, right] = [around.left, around.left + inner.width];
  const [top, bottom] = [around.top, around.top + inner.height];
  const x = scaleOf(panel.x, [left, right], 4);
  const y = scaleOf(panel.y, [bottom, top], 5);
  const marks: string[] = [element("text", { class: "strong", x: left, y: top - 12 }, fitted(panel.title, inner.width + around.right))];
  for (const { value, text } of y.ticks) {
    marks.push(
      element("line", { class: "grid", x1: left, x2: right, y1: y.at(value), y2: y.at(value) }),
      element("text", { x: left - 7, y: y.at(value) + 4, "text-anchor": "end" }, text),
    );
  }
  const below = panel.categories ?? x.ticks.map(({ value, text }) => ({ at: value, text }));
  for (const { at, text } of below) {
    if (!panel.categories) marks.push(element("line", { class: "grid", x1: x.at(at), x2: x.at(at), y1: top, y2: bottom }));
    marks.push(element("text", { x: x.at(at), y: bottom + 16, "text-anchor": "middle" }, text));
  }
  return [
    ...marks,
    element("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
    ...panel.draw(x, y),
    element("text", { x: (left + right) / 2, y: bottom + 36, "text-anchor": "middle" }, panel.x.label),
    element("text", { transform: `translate(${left - 46} ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, panel.y.label),
  ];
}
