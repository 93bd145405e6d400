/**
 * @file Small charts in SVG. Colours stand in attributes, taken from the editor's theme, so that what is on screen is what is exported;
 * series differ in dash and mark as well as in colour.
 */

import { svg } from "../shared/dom";
import { rgba, type Rgb, type Theme } from "../shared/theme";
import { linear, logarithmic, type Domain, type Scale } from "./axis";

type Mark = "none" | "dot" | "ring" | "square";
export interface Series {
  name: string;
  /** Sorted by x. */
  points: readonly (readonly [x: number, y: number])[];
  colour: Rgb;
  dash: string;
  mark: Mark;
  line: boolean;
}
/** A line across the chart with a word at it. */
export interface Rule { axis: "x" | "y"; at: number; label: string; dash: string }

interface AxisOptions { label: string; domain: Domain; log: boolean; text(value: number): string }
export interface Chart { title: string; x: AxisOptions; y: AxisOptions; series: readonly Series[]; rules: readonly Rule[] }

export interface Paper { width: number; height: number; theme: Theme }

const margin = { left: 58, right: 14, top: 26, bottom: 38 };
const letter = 6.1;

export function drawChart(chart: Chart, { width, height, theme }: Paper): SVGElement[] {
  const [left, right, top, bottom] = [margin.left, width - margin.right, margin.top, height - margin.bottom];
  const scale = ({ domain, log }: AxisOptions, from: number, to: number, room: number): Scale => (log ? logarithmic : linear)(domain, from, to, room);
  const x = scale(chart.x, left, right, chart.x.log ? 34 : 46);
  const y = scale(chart.y, bottom, top, chart.y.log ? 24 : 30);
  const parts: SVGElement[] = [text(chart.title, left, 14, theme, { bold: true })];
  for (const tick of y.ticks) {
    parts.push(line(left, y.at(tick), right, y.at(tick), theme.muted, 1, 0.22), text(chart.y.text(tick), left - 8, y.at(tick), theme, { anchor: "end", muted: true }));
  }
  for (const tick of x.ticks) {
    parts.push(line(x.at(tick), bottom, x.at(tick), bottom + 4, theme.muted, 1), text(chart.x.text(tick), x.at(tick), bottom + 14, theme, { anchor: "middle", muted: true }));
  }
  parts.push(line(left, bottom, right, bottom, theme.muted, 1), text(chart.x.label, (left + right) / 2, bottom + 30, theme, { anchor: "middle", muted: true }));
  parts.push(...chart.rules.map((rule) => drawRule(rule, x, y, [left, right, top, bottom], theme)).flat());
  for (const series of chart.series) parts.push(...drawSeries(series, chart, x, y, theme));
  return parts;
}

function drawRule({ axis, at, label, dash }: Rule, x: Scale, y: Scale, [left, right, top, bottom]: [number, number, number, number], theme: Theme): SVGElement[] {
  if (axis === "y") return [dashed(line(left, y.at(at), right, y.at(at), theme.muted, 1), dash), text(label, right, y.at(at) + 10, theme, { anchor: "end", muted: true })];
  const place = x.at(at);
  // The word stands on the side where there is room for it.
  const before = place + 5 + label.length * letter > right;
  return [dashed(line(place, top, place, bottom, theme.muted, 1), dash), text(label, before ? place - 5 : place + 5, top + 6, theme, { anchor: before ? "end" : "start", muted: true })];
}

function drawSeries({ name, points, colour, dash, mark, line: joined }: Series, chart: Chart, x: Scale, y: Scale, theme: Theme): SVGElement[] {
  const places = points.map(([a, b]) => [x.at(a), y.at(b)] as const);
  const parts: SVGElement[] = [];
  if (joined && places.length > 1) {
    const d = places.map(([a, b], at) => `${at === 0 ? "M" : "L"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    parts.push(svg("path", { d, fill: "none", stroke: rgba(colour), "stroke-width": 1.8, "stroke-linejoin": "round", ...(dash === "" ? {} : { "stroke-dasharray": dash }) }));
  }
  if (mark === "none") return parts;
  places.forEach(([a, b], at) => {
    const title = svg("title", {});
    title.textContent = `${name}: ${chart.x.label} ${chart.x.text(points[at]![0])}, ${chart.y.text(points[at]![1])}`;
    const look = mark === "ring" ? { fill: theme.background, stroke: rgba(colour), "stroke-width": 1.4 } : { fill: rgba(colour) };
    parts.push(mark === "square"
      ? svg("rect", { x: (a - 2.4).toFixed(1), y: (b - 2.4).toFixed(1), width: 4.8, height: 4.8, ...look }, title)
      : svg("circle", { cx: a.toFixed(1), cy: b.toFixed(1), r: mark === "ring" ? 2.4 : 2.2, ...look }, title));
  });
  return parts;
}

/** What the lines of a figure mean, in one row. */
export function drawLegend(series: readonly Pick<Series, "name" | "colour" | "dash" | "mark" | "line">[], y: number, theme: Theme): SVGElement[] {
  let x = margin.left;
  return series.flatMap(({ name, colour, dash, mark, line: joined }) => {
    const parts: SVGElement[] = [];
    if (joined) parts.push(dashed(line(x, y, x + 24, y, rgba(colour), 1.8), dash));
    if (mark === "square") parts.push(svg("rect", { x: x + 9.6, y: y - 2.4, width: 4.8, height: 4.8, fill: rgba(colour) }));
    else if (mark !== "none") parts.push(svg("circle", { cx: x + 12, cy: y, r: 2.4, fill: mark === "ring" ? theme.background : rgba(colour), stroke: rgba(colour), "stroke-width": 1.4 }));
    parts.push(text(name, x + 31, y, theme, {}));
    x += 31 + name.length * 7 + 22;
    return parts;
  });
}

export interface BarGroup { name: string; bars: { name: string; value: number; colour: Rgb; hatched: boolean; text: string }[] }

/** Height of a chart of horizontal bars. */
export const barsHeight = (groups: readonly BarGroup[]): number => margin.top + groups.reduce((sum, { bars }) => sum + 22 + bars.length * 20, 0) + 6;

/** Horizontal bars in groups: names of layers are long. */
export function drawBars(title: string, groups: readonly BarGroup[], { width, theme }: Paper): SVGElement[] {
  const names = Math.max(0, ...groups.flatMap(({ bars }) => bars.map(({ name }) => name.length))) * 7;
  const values = Math.max(0, ...groups.flatMap(({ bars }) => bars.map(({ text: value }) => value.length))) * letter;
  const left = 12 + names + 10;
  const room = Math.max(20, width - left - values - 16);
  const largest = Math.max(1e-12, ...groups.flatMap(({ bars }) => bars.map(({ value }) => value)));
  const parts: SVGElement[] = [text(title, 0, 14, theme, { bold: true })];
  let y = margin.top + 10;
  for (const group of groups) {
    parts.push(text(group.name, 0, y, theme, {}));
    y += 18;
    for (const { name, value, colour, hatched, text: words } of group.bars) {
      const wide = Math.max(1.5, (value / largest) * room);
      parts.push(text(name, 12, y, theme, { muted: true }));
      parts.push(svg("rect", { x: left, y: y - 6, width: wide.toFixed(1), height: 12, fill: hatched ? "none" : rgba(colour), stroke: rgba(colour), "stroke-width": 1.4 }));
      // Stripes tell the basis apart where colours do not.
      if (hatched) for (let at = 6; at < wide; at += 6) parts.push(line(left + at - 6, y + 6, left + at, y - 6, rgba(colour), 1.4));
      parts.push(text(words, left + wide + 7, y, theme, { muted: true }));
      y += 20;
    }
    y += 4;
  }
  return parts;
}

export function text(value: string, x: number, y: number, theme: Theme, { anchor = "start", muted = false, bold = false }: { anchor?: string; muted?: boolean; bold?: boolean }): SVGElement {
  const node = svg("text", {
    x: x.toFixed(1), y: y.toFixed(1), fill: muted ? theme.muted : theme.foreground, "font-size": bold ? 12.5 : 11, "text-anchor": anchor, "dominant-baseline": "central",
    ...(bold ? { "font-weight": 600 } : {}),
  });
  node.textContent = value;
  return node;
}

export const line = (x0: number, y0: number, x1: number, y1: number, colour: string, width: number, opacity = 1): SVGElement =>
  svg("line", { x1: x0.toFixed(1), y1: y0.toFixed(1), x2: x1.toFixed(1), y2: y1.toFixed(1), stroke: colour, "stroke-width": width, ...(opacity < 1 ? { "stroke-opacity": opacity } : {}) });

function dashed(node: SVGElement, dash: string): SVGElement {
  if (dash !== "") node.setAttribute("stroke-dasharray", dash);
  return node;
}
