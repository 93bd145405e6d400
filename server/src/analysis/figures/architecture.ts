/** @file The modules of a network in order, with the node layers of an analysis marked between them (method sections 1.1, 1.4). */

import type { LayerSummary } from "../../protocol/result";
import { document, element, fitted } from "./svg";

const box = { width: 190, height: 24 };
const left = 30;
const top = 62;
const gap = 16;

/**
 * @param modules every place where a network can be cut, in order: a place is named after the module that it enters; the last may be "output"
 */
export function architectureFigure(model: string, modules: readonly string[], layers: readonly LayerSummary[]): string {
  const chosen = new Map(layers.map((layer) => [layer.name, layer]));
  const marks = modules.flatMap((name, k) => {
    const y = top + k * (box.height + gap);
    const layer = chosen.get(name);
    const isOutput = name === "output";
    const entering = y - gap / 2;
    return [
      ...(k > 0 ? [element("line", { class: "axis", x1: left + box.width / 2, x2: left + box.width / 2, y1: y - gap, y2: y })] : []),
      ...(isOutput ? [] : [
        element("rect", { class: "box", x: left, y, width: box.width, height: box.height, rx: 3 }),
        element("text", { x: left + box.width / 2, y: y + 16, "text-anchor": "middle" }, fitted(name, box.width - 12)),
      ]),
      ...(layer ? [
        element("line", { class: "s0", "stroke-width": 3, x1: left - 12, x2: left + box.width + 12, y1: entering, y2: entering }),
        element("text", { class: "strong", x: left + box.width + 22, y: entering + 4 }, fitted(layer.name, 130)),
        element("text", { x: left + box.width + 160, y: entering + 4 }, layer.kept > 0 ? `${layer.kept} of ${layer.dimension} features` : `${layer.dimension} components`),
      ] : []),
    ];
  });
  return document(left + box.width + 300, top + modules.length * (box.height + gap), `Modules of ${model} with ${layers.length} node layers`, [
    element("text", { class: "strong title", x: 16, y: 22 }, fitted(`Modules of ${model}`, 480, 14)),
    element("text", { x: 16, y: 39 }, "blue lines: node layers, each the vector that enters the module below"),
    ...marks,
  ]);
}
