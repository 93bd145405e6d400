/** @file The layered interaction graph on paper (method section 4.5 a); the view draws it to be walked through. */

import type { ModuleNumbers } from "../protocol/ablation";
import type { LayerSummary, SectionSummary } from "../protocol/result";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { hues, moduleName } from "./look";
import { element, fitted, path, rounded, type Mark } from "./mark";

const column = 190;
const row = 15;
const margin = { left: 44, right: 60, top: 26 };

/** Features drawn per layer and edges per section. */
const mostNodes = 30;
const mostEdges = 150;

interface Node { readonly layer: number; readonly feature: number; readonly module: number; readonly x: number; readonly y: number }

export interface GraphContent {
  readonly layers: readonly Pick<LayerSummary, "name" | "kept">[];
  readonly sections: readonly Pick<SectionSummary, "from" | "to" | "edges">[];
}

/**
 * Layers as columns, features sorted by module and importance, width of an edge by strength; features that are alone are left out.
 * @param modules of every layer, one number for an output that is merged
 * @param hint how the modules were found
 */
export function graphFigure({ layers, sections }: GraphContent, modules: ModuleNumbers, hint: string): Drawing {
  const shown = layers.flatMap((_, layer) => {
    const features = (modules.layers[layer] ?? []).flatMap((module, feature) => (module < 0 ? [] : [{ layer, feature, module }]));
    return (modules.layers[layer] ?? []).length === 0 ? [] : [features.slice(0, mostNodes).sort((a, b) => a.module - b.module || a.feature - b.feature)];
  });
  const rows = Math.max(1, ...shown.map(({ length }) => length));
  const nodes = shown.flatMap((features, at) => features.map((feature, k): Node => ({ ...feature, x: margin.left + at * column, y: margin.top + (k + (rows - features.length) / 2 + 0.5) * row })));
  const places = new Map(nodes.map((node) => [`${node.layer} ${node.feature}`, node]));
  const drawn = sections.map(({ edges: { source, target, weight } }, section) => weight.map((value, k) => ({
    weight: Math.abs(value),
    start: places.get(`${section} ${source[k]!}`),
    end: places.get(`${section + 1} ${layers[section + 1]!.kept === 0 ? 0 : target[k]!}`),
  })).flatMap(({ weight: size, start, end }) => (start && end ? [{ size, start, end }] : [])).slice(0, mostEdges));
  const name = ({ layer, feature }: Node): string => (layers[layer]!.kept === 0 ? "all" : `f${feature}`);
  const firstLayer = nodes[0]?.layer;
  return {
    id: "graph", title: "Interaction graph", hint,
    width: margin.left + margin.right + Math.max(1, shown.length - 1) * column, height: margin.top + rows * row,
    marks: [
      ...drawn.flatMap((edges) => edges.map(({ size, start, end }) => edgeMark(size / (edges[0]?.size || 1), start, end)).reverse()),
      ...shown.map((features, at) => element("text", { class: "strong", x: margin.left + at * column, y: 12, "text-anchor": at === 0 ? "start" : "middle" }, fitted(layers[features[0]?.layer ?? at]!.name, column - 20))),
      ...nodes.map((node) => element("g", {}, [
        element("circle", { class: `mf${node.module % hues}`, cx: node.x, cy: node.y, r: 5 }),
        element("text", { class: "small halo", x: node.x + (node.layer === firstLayer ? -9 : 9), y: node.y + 3.5, "text-anchor": node.layer === firstLayer ? "end" : "start" }, name(node)),
      ])),
    ],
    table: {
      columns: [textColumn("From layer"), textColumn("From"), textColumn("To layer"), textColumn("To"), numberColumn("Weight"), textColumn("Module")],
      rows: drawn.flatMap((edges) => edges.map(({ size, start, end }): Value[] =>
        [layers[start.layer]!.name, name(start), layers[end.layer]!.name, name(end), size, start.module === end.module ? moduleName(start.module) : "between modules"])),
    },
  };
}

/** In the colour of its module; grey between modules. @param share of the strongest edge of the section */
function edgeMark(share: number, start: Node, end: Node): Mark {
  const strength = Math.sqrt(share);
  const bend = (end.x - start.x) / 2;
  return element("path", {
    class: start.module === end.module ? `line ms${start.module % hues}` : "axis", "stroke-width": rounded(0.4 + 4 * strength), "stroke-opacity": rounded(0.12 + 0.75 * strength),
    d: `${path([[start.x, start.y]])}C${[start.x + bend, start.y, end.x - bend, end.y, end.x, end.y].map(rounded).join(" ")}`,
  });
}
