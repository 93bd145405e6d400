/** @file The side panel when nothing is selected: the layers, and where the numbers come from. */

import type { LensData } from "../shared/data";
import { element, svg } from "../shared/dom";
import { baseName, count, duration, number, percent, plural } from "../shared/format";
import { moduleName, moduleShape } from "../../../server/src/figures/look";
import type { Module } from "../shared/modules";
import { moduleColour } from "../shared/palette";
import { rgba } from "../shared/theme";
import { rowsOf, type Graph, type NodeRef } from "./model";
import { spectrum } from "./spectrum";

export interface OverviewActions {
  /** Rings around these features. */
  mark(nodes: readonly NodeRef[]): void;
  select(node: NodeRef): void;
  openSource(layer: string): void;
}

/** @param shown modules, where they are shown; their colours depend on the theme. */
export function overview(graph: Graph, data: LensData, shown: { modules: readonly Module[]; light: boolean }, actions: OverviewActions): HTMLElement[] {
  const layers = graph.layers.map((layer, index) => {
    const head = element("button", {
      class: "layer-button",
      attributes: { type: "button", title: layer.known ? "Select the strongest feature of this layer" : "Not computed yet" },
      on: { click: () => { if (layer.known && rowsOf(layer) > 0) actions.select({ layer: index, feature: layer.first }); } },
    },
    element("span", { class: "layer-name" }, layer.name),
    element("span", { class: "layer-count" }, !layer.known ? (data.status === "running" ? "waiting" : "not computed") : layer.importance === null ? `${count(layer.dimension)} neurons` : `${count(layer.count)} of ${count(layer.dimension)}${layer.needed === null ? "" : `, ${count(layer.needed)} needed`}`, element("span", { class: "visually-hidden" }, layer.known && layer.importance !== null ? " features kept" : "")));
    if (layer.importance !== null) head.append(spectrum(layer, 264, 26));
    const source = element("button", { class: "quiet", attributes: { type: "button", title: `Go to the line that defines ${layer.name}`, "aria-label": `Go to the source of ${layer.name}` }, on: { click: () => actions.openSource(layer.name) } }, "Source");
    return element("li", { class: "layer" }, head, source);
  });
  return [
    ...moduleList(shown, actions),
    element("h2", {}, "Layers"),
    element("p", { class: "hint" }, `Features kept of each layer's width, with their importance over six decades.${graph.layers.some(({ needed }) => needed !== null) ? " Needed: so many keep the score." : ""}`),
    element("ul", { class: "layers" }, ...layers),
    ...about(data),
    ...notes(data),
  ];
}

function moduleList({ modules, light }: { modules: readonly Module[]; light: boolean }, actions: OverviewActions): HTMLElement[] {
  if (modules.length === 0) return [];
  const items = modules.map(({ index, features, layers }) => {
    const colour = rgba(moduleColour(index, light));
    const shape = moduleShape(index);
    const mark = svg("svg", { width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true", focusable: "false" },
      svg("circle", { cx: 7, cy: 7, r: 5, fill: shape === 2 ? "none" : colour, stroke: shape === 1 ? "currentColor" : colour, "stroke-width": 1.6 }));
    const button = element("button", { class: "module", attributes: { type: "button", title: "Mark its features in the graph" }, on: { click: () => actions.mark(features) } },
      element("span", { class: "module-name" }, moduleName(index)), element("span", { class: "layer-count" }, `${plural(features.length, "feature")} in ${plural(layers, "layer")}`));
    button.prepend(mark);
    return element("li", {}, button);
  });
  return [element("h2", {}, "Modules"), element("p", { class: "hint" }, "Features that interact among themselves (Leiden)."), element("ul", { class: "partners" }, ...items)];
}

function about(data: LensData): HTMLElement[] {
  const rows: [string, string][] = [["Model", baseName(data.model)]];
  if (data.samples > 0) rows.push(["Samples", count(data.samples)]);
  const { metadata } = data;
  if (metadata !== null) {
    rows.push(["Parameters", count(metadata.model.parameters)], ["Precision", metadata.precision]);
    if (metadata.evaluation !== undefined) rows.push([metadata.evaluation.metric === "accuracy" ? "Accuracy" : "Loss", `${metadata.evaluation.metric === "accuracy" ? percent(metadata.evaluation.base) : number(metadata.evaluation.base)} on ${count(metadata.evaluation.samples)}`]);
    rows.push(["Computed in", `${duration(metadata.seconds)} on ${metadata.backend.name}`], ["Key", metadata.key.slice(0, 12)]);
  } else if (data.backend !== "") rows.push(["Backend", data.backend]);
  return [
    element("h2", {}, "About"),
    element("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
  ];
}

function notes(data: LensData): HTMLElement[] {
  if (data.notes.length === 0) return [];
  return [element("h2", {}, "Notes"), element("ul", { class: "notes" }, ...data.notes.map((note) => element("li", {}, note)))];
}
