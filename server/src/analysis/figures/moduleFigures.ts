/** @file Modules of an interaction graph drawn: the layered graph, and the piano plot (method section 4.5, views a and b). */

import type { ResultMetadata } from "../../protocol/result";
import type { ResultModules } from "../resultModules";
import { colours, document, element, fitted, rounded } from "./svg";

interface Address { readonly layer: string; readonly index: number }

const keyOf = ({ layer, index }: Address): string => `${index} ${layer}`;

/** The module of every feature that has company, numbered by size. */
function moduleOf(modules: ResultModules): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  modules.clusters.filter(({ length }) => length > 1).forEach((members, own) => members.forEach((member) => found.set(keyOf(member), own)));
  return found;
}

const column = 190;
const row = 15;
const margin = { left: 60, top: 66, bottom: 22 };

/** Features drawn per layer and edges per section. */
const mostNodes = 30;
const mostEdges = 150;

/** Layers as columns, features sorted by module and importance, width of an edge by strength; features that are alone are left out. */
export function graphFigure({ sections, layers }: ResultMetadata, modules: ResultModules): string {
  const own = moduleOf(modules);
  const names = layers.map(({ name }) => name).filter((name) => modules.clusters.some((members) => members.some(({ layer }) => layer === name)));
  const shown = names.map((name) => [...own]
    .map(([key, module]) => ({ key, module, index: Number(key.slice(0, key.indexOf(" "))), layer: key.slice(key.indexOf(" ") + 1) }))
    .filter(({ layer }) => layer === name)
    .sort((a, b) => a.index - b.index).slice(0, mostNodes)
    .sort((a, b) => a.module - b.module || a.index - b.index));
  const rows = Math.max(1, ...shown.map(({ length }) => length));
  const merged = (name: string): boolean => layers.find((layer) => layer.name === name)!.kept === 0;
  const places = new Map(shown.flatMap((nodes, layer) => nodes.map((node, at) => [node.key, { x: margin.left + layer * column, y: margin.top + (at + (rows - nodes.length) / 2 + 0.5) * row, module: node.module }] as const)));
  const edges = sections.flatMap(({ from, to, edges: list }) => {
    const target = (index: number): Address => ({ layer: to, index: merged(to) ? 0 : index });
    const drawn = list.weight.map((weight, k) => ({ weight: Math.abs(weight), from: places.get(keyOf({ layer: from, index: list.source[k]! })), to: places.get(keyOf(target(list.target[k]!))) }))
      .flatMap(({ weight, from: start, to: end }) => (start && end ? [{ weight, start, end }] : [])).slice(0, mostEdges);
    const largest = drawn[0]?.weight ?? 1;
    return drawn.reverse().map(({ weight, start, end }) => {
      const strength = Math.sqrt(weight / largest);
      const colour = start.module === end.module ? `line s${start.module % colours}` : "axis";
      const bend = column / 2;
      return element("path", { class: colour, "stroke-width": rounded(0.4 + 4 * strength), "stroke-opacity": rounded(0.12 + 0.75 * strength), d: `M${rounded(start.x)} ${rounded(start.y)}C${rounded(start.x + bend)} ${rounded(start.y)} ${rounded(end.x - bend)} ${rounded(end.y)} ${rounded(end.x)} ${rounded(end.y)}` });
    });
  });
  const nodes = shown.flatMap((list) => list.map(({ key, index, layer, module }) => {
    const { x, y } = places.get(key)!;
    const text = merged(layer) ? "all" : String(index);
    return element("g", {}, [
      element("circle", { class: `f${module % colours}`, cx: x, cy: y, r: 5 }),
      element("text", { class: "small halo", x: x + (layer === names[0] ? -9 : 9), y: y + 3.5, "text-anchor": layer === names[0] ? "end" : "start" }, text),
    ]);
  }));
  const heads = names.map((name, layer) => element("text", { class: "strong", x: margin.left + layer * column, y: margin.top - 10, "text-anchor": "middle" }, fitted(name, column - 20)));
  return document(margin.left * 2 + Math.max(1, names.length - 1) * column, margin.top + rows * row + margin.bottom, `Interaction graph of ${names.join(", ")}, coloured by module`, [
    element("text", { class: "strong title", x: 16, y: 22 }, "Interaction graph"),
    element("text", { x: 16, y: 39 }, summary(modules)),
    ...edges, ...heads, ...nodes,
  ]);
}

function summary(modules: ResultModules): string {
  const count = modules.clusters.filter(({ length }) => length > 1).length;
  return `${count} modules, modularity ${modules.modularity.toFixed(3)} at gamma ${Number(modules.gamma.toPrecision(3))}, ${modules.norm} norm`;
}

const key = { width: 46, height: 9 };
const mostKeys = 60;

/** x: node layer, y: feature, colour: module; pale: alone. Empty: no such feature. */
export function pianoFigure({ layers }: ResultMetadata, modules: ResultModules): string {
  const own = moduleOf(modules);
  const drawn = layers.filter(({ kept }) => kept > 0);
  const rows = Math.min(mostKeys, Math.max(1, ...drawn.map(({ kept }) => kept)));
  const cells = drawn.flatMap(({ name, kept }, layer) => Array.from({ length: Math.min(kept, rows) }, (_, index) => {
    const module = own.get(keyOf({ layer: name, index }));
    return element("rect", {
      class: module === undefined ? "faint" : `f${module % colours}`,
      x: margin.left + layer * key.width, y: margin.top + index * key.height, width: key.width - 1, height: key.height - 1,
    });
  }));
  const numbers = Array.from({ length: Math.ceil(rows / 5) }, (_, k) => k * 5)
    .map((index) => element("text", { class: "small", x: margin.left - 6, y: margin.top + index * key.height + 7.5, "text-anchor": "end" }, String(index)));
  const bottom = margin.top + rows * key.height;
  // Slanted: the names of layers are wider than their columns.
  const heads = drawn.map(({ name }, layer) => element("text", { transform: `translate(${margin.left + (layer + 0.5) * key.width} ${bottom + 12}) rotate(35)` }, fitted(name, 120)));
  return document(Math.max(330, margin.left + drawn.length * key.width + 110), bottom + 90, `Modules of the features of ${drawn.length} node layers`, [
    element("text", { class: "strong title", x: 16, y: 22 }, "Modules by layer and feature"),
    element("text", { x: 16, y: 39 }, summary(modules)),
    ...numbers, ...cells, ...heads,
    element("text", { transform: `translate(${margin.left - 34} ${(margin.top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "feature"),
  ]);
}
