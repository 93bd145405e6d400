/** @file The modules of a network in order, with the node layers of an analysis marked between them (method sections 1.1, 1.4). */

import type { LayerSummary } from "../protocol/result";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { element, fitted } from "./mark";

const box = { width: 150, height: 24 };
const left = 14;
const gap = 16;
const texts = left + box.width + 22;

type Layer = Pick<LayerSummary, "name" | "kept" | "dimension">;

/**
 * @param modules every place where a network can be cut, in order: a place is named after the module that it enters; the last may be "output"
 * @param width pixels that there are
 */
export function architectureFigure(model: string, modules: readonly string[], layers: readonly Layer[], width: number): Drawing {
  const chosen = new Map(layers.map((layer) => [layer.name, layer]));
  const facts = (layer: Layer): string => (layer.kept > 0 ? `${layer.kept} of ${layer.dimension} features` : `${layer.dimension} components`);
  const wide = Math.min(width, texts + 300);
  const besides = wide - texts >= 250;
  const marks = modules.flatMap((name, k) => {
    const y = gap + k * (box.height + gap);
    const layer = chosen.get(name);
    const entering = y - gap / 2;
    const words = wide - texts;
    return [
      ...(k > 0 ? [element("line", { class: "axis", x1: left + box.width / 2, x2: left + box.width / 2, y1: y - gap, y2: y })] : []),
      ...(name === "output" ? [] : [
        element("rect", { class: "box", x: left, y, width: box.width, height: box.height, rx: 3 }),
        element("text", { x: left + box.width / 2, y: y + 16, "text-anchor": "middle" }, fitted(name, box.width - 12)),
      ]),
      ...(layer ? [
        element("line", { class: "s0", "stroke-width": 3, x1: left - 12, x2: left + box.width + 12, y1: entering, y2: entering }),
        element("text", { class: "strong", x: texts, y: entering + 4 }, fitted(layer.name, besides ? 130 : words)),
        element("text", besides ? { x: texts + 140, y: entering + 4 } : { x: texts, y: entering + 18 }, fitted(facts(layer), besides ? words - 140 : words)),
      ] : []),
    ];
  });
  return {
    id: "architecture", title: `Modules of ${model}`, hint: "Blue lines: node layers, each the vector that enters the module below.",
    width: wide, height: gap + modules.length * (box.height + gap), marks,
    table: {
      columns: [textColumn("Module"), textColumn("Node layer before it"), numberColumn("Features"), numberColumn("Width")],
      rows: modules.map((name): Value[] => {
        const layer = chosen.get(name);
        return [name, layer?.name ?? "", layer && layer.kept > 0 ? layer.kept : null, layer?.dimension ?? null];
      }),
    },
  };
}
