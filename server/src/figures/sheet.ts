/** @file Panels with axes beside and below each other, with a legend: the frame of every data plot. As many in a row as can be read. */

import type { Picture } from "./drawing";
import { element, fitted, path, shift, textWidth, tip, type Mark } from "./mark";
import { scaleOf, type Axis, type Scale } from "./scales";

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** Replaces the numbers below the x axis. */
  readonly categories?: readonly { readonly at: number; readonly text: string }[];
  /** What is drawn inside, in the order of drawing. */
  draw(x: Scale, y: Scale): Mark[];
}

/** How the lines of one kind look: they differ in dash and mark as well as in colour. */
export interface SeriesLook {
  readonly name: string;
  readonly colour: number;
  readonly dash: string;
  readonly mark: "none" | "dot" | "ring" | "square";
}

export type LegendEntry = SeriesLook | "untouched network";

const cell = { width: 308, height: 238 };
/** Wider than this a panel gains nothing. */
const widest = 1.45 * cell.width;
const around = { left: 60, right: 18, top: 30, bottom: 44 };
const legendRow = 22;

/** @param width pixels that there are */
export function sheet({ legend, panels }: { legend: readonly LegendEntry[]; panels: readonly Panel[] }, width: number): Picture {
  const columns = Math.max(1, Math.min(panels.length, Math.floor((width + 20) / cell.width)));
  const wide = Math.min(width / columns, widest);
  const words = legendOf(legend, width);
  const top = words.height;
  return {
    width: Math.max(columns * wide, words.width),
    height: top + Math.ceil(panels.length / columns) * cell.height,
    marks: [...words.marks, ...panels.map((panel, k) => shift((k % columns) * wide, top + Math.floor(k / columns) * cell.height, onePanel(panel, wide)))],
  };
}

function legendOf(legend: readonly LegendEntry[], most: number): Picture {
  if (legend.length < 2) return { width: 0, height: 0, marks: [] };
  let [x, y, width] = [0, 8, 0];
  const marks = legend.flatMap((entry) => {
    const text = entry === "untouched network" ? entry : entry.name;
    const needed = 30 + textWidth(text) + 20;
    if (x > 0 && x + needed > most) [x, y] = [0, y + legendRow];
    const at = x;
    x += needed;
    width = Math.max(width, x);
    const line = { x1: at, x2: at + 24, y1: y, y2: y };
    return [
      ...(entry === "untouched network" ? [element("line", { class: "dashed", ...line })]
        : [element("line", { class: `s${entry.colour}`, "stroke-width": 1.8, ...dashes(entry.dash), ...line }), ...markAt(entry, at + 12, y)]),
      element("text", { x: at + 30, y: y + 4 }, text),
    ];
  });
  return { width, height: y + legendRow - 6, marks };
}

const dashes = (dash: string): Record<string, string> => (dash === "" ? {} : { "stroke-dasharray": dash });

function markAt({ colour, mark }: SeriesLook, x: number, y: number, title = ""): Mark[] {
  const about = title === "" ? [] : [tip(title)];
  switch (mark) {
    case "none": return [];
    case "dot": return [element("circle", { class: `f${colour}`, cx: x, cy: y, r: 2.3 }, about)];
    case "ring": return [element("circle", { class: `paper s${colour}`, "stroke-width": 1.4, cx: x, cy: y, r: 2.4 }, about)];
    case "square": return [element("rect", { class: `f${colour}`, x: x - 2.3, y: y - 2.3, width: 4.6, height: 4.6 }, about)];
  }
}

/** More marks than this on one line are a worm. */
const mostMarks = 60;

/** A line through points in pixels with their marks. @param title what a pointer on point k is told */
export function seriesMarks(points: readonly (readonly [x: number, y: number])[], look: SeriesLook, title: (k: number) => string): Mark[] {
  return [
    ...(points.length > 1 ? [element("path", { class: `line s${look.colour}`, "stroke-width": 1.7, "stroke-linejoin": "round", ...dashes(look.dash), d: path(points) })] : []),
    ...(points.length > mostMarks ? [] : points.flatMap(([x, y], k) => markAt(look, x, y, title(k)))),
  ];
}

function onePanel(panel: Panel, wide: number): Mark[] {
  const [left, right] = [around.left, wide - around.right];
  const [top, bottom] = [around.top, cell.height - around.bottom];
  const x = scaleOf(panel.x, [left, right], Math.max(2, Math.round((right - left) / 58)));
  const y = scaleOf(panel.y, [bottom, top], 5);
  const below = panel.categories ?? x.ticks.map(({ value, text }) => ({ at: value, text }));
  return [
    element("text", { class: "strong", x: 0, y: 14 }, fitted(panel.title, wide - 10)),
    ...y.ticks.flatMap(({ value, text }) => [
      element("line", { class: "grid", x1: left, x2: right, y1: y.at(value), y2: y.at(value) }),
      element("text", { x: left - 7, y: y.at(value) + 4, "text-anchor": "end" }, text),
    ]),
    ...below.flatMap(({ at, text }) => [
      ...(panel.categories ? [] : [element("line", { class: "grid", x1: x.at(at), x2: x.at(at), y1: top, y2: bottom })]),
      element("text", { x: x.at(at), y: bottom + 16, "text-anchor": "middle" }, text),
    ]),
    element("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }),
    ...panel.draw(x, y),
    element("text", { x: (left + right) / 2, y: bottom + 34, "text-anchor": "middle" }, panel.x.label),
    element("text", { transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, panel.y.label),
  ];
}
