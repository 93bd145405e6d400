/** @file The piano plot (method 4.5 b): a column per node layer, a key per feature, coloured by its module. */

import type { ModuleNumbers } from "../../../server/src/protocol/ablation";
import { svg } from "../shared/dom";
import { moduleName } from "../shared/modules";
import { moduleColour, moduleShape } from "../shared/palette";
import { rgba, type Theme } from "../shared/theme";
import type { Table, Value } from "../table/rows";
import { line, text, type Paper } from "./chart";

const margin = { left: 44, right: 12, top: 34, bottom: 10 };
/** Pixels of a key, where there is room. */
const key = { most: 14, least: 2 };
const widest = 120;

export const pianoHeight = (numbers: ModuleNumbers): number => {
  const longest = Math.max(1, ...numbers.layers.map((layer) => layer.length));
  return margin.top + margin.bottom + longest * keyHeight(longest);
};

const keyHeight = (longest: number): number => Math.max(key.least, Math.min(key.most, 560 / longest));

/** @param layers names of the node layers. Layers without features are left out. */
export function drawPiano(numbers: ModuleNumbers, layers: readonly string[], { width, theme }: Paper): SVGElement[] {
  const columns = numbers.layers.flatMap((features, index) => (features.length === 0 ? [] : [{ name: layers[index] ?? "", features }]));
  const high = keyHeight(Math.max(1, ...columns.map(({ features }) => features.length)));
  const pitch = Math.min(widest, (width - margin.left - margin.right) / Math.max(1, columns.length));
  const wide = Math.max(6, pitch - 10);
  const parts: SVGElement[] = [];
  const room = Math.max(3, Math.floor(pitch / 6.6));
  columns.forEach(({ name, features }, column) => {
    const x = margin.left + column * pitch;
    parts.push(text(name.length > room ? `${name.slice(0, room - 1)}…` : name, x, 14, theme, {}));
    features.forEach((module, feature) => parts.push(...drawKey(module, `${name} f${feature}`, x, margin.top + feature * high, wide, high, theme)));
  });
  const longest = Math.max(0, ...columns.map(({ features }) => features.length));
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => step * high >= 22) ?? 1000;
  for (let feature = 0; feature < longest; feature += every) parts.push(text(`f${feature}`, margin.left - 8, margin.top + (feature + 0.5) * high, theme, { anchor: "end", muted: true }));
  return parts;
}

function drawKey(module: number, name: string, x: number, y: number, wide: number, high: number, theme: Theme): SVGElement[] {
  const gap = high > 5 ? 1 : 0;
  const box = { x: x.toFixed(1), y: y.toFixed(1), width: wide.toFixed(1), height: Math.max(1, high - gap).toFixed(1) };
  const title = svg("title", {});
  title.textContent = module < 0 ? `${name}, in no module` : `${name}, ${moduleName(module)}`;
  if (module < 0) return [svg("rect", { ...box, fill: theme.muted, "fill-opacity": 0.18 }, title)];
  const colour = rgba(moduleColour(module, theme.light));
  const parts = [svg("rect", { ...box, fill: colour, "fill-opacity": moduleShape(module) === 2 ? 0.35 : 1 }, title)];
  if (moduleShape(module) === 1) parts.push(line(x, y + high / 2, x + wide, y + high / 2, theme.background, Math.max(1, high / 5)));
  // The number too, where it can be read: colours repeat, and not everybody sees them.
  if (high >= 11 && wide >= 24) parts.push(inside(moduleName(module), x + wide / 2, y + (high - gap) / 2, theme));
  return parts;
}

function inside(value: string, x: number, y: number, theme: Theme): SVGElement {
  const node = text(value, x, y, theme, { anchor: "middle" });
  node.setAttribute("fill", theme.light ? "#ffffff" : "#000000");
  node.setAttribute("font-size", "9");
  return node;
}

export function pianoTable(numbers: ModuleNumbers, layers: readonly string[]): Table {
  return {
    columns: [{ title: "Layer", numeric: false }, { title: "Feature", numeric: true }, { title: "Module", numeric: false }],
    rows: numbers.layers.flatMap((features, index) => features.map((module, feature): Value[] => [layers[index] ?? "", feature, module < 0 ? "alone" : moduleName(module)])),
  };
}
