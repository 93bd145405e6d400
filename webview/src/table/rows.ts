/** @file The same facts as the graph, as rows: for the keyboard, for screen readers, for spreadsheets. */

import { numberColumn as numeric, textColumn as text, type Table, type Value } from "../../../server/src/figures/drawing";
import { moduleName } from "../../../server/src/figures/look";
import { featureName, neighbours, totalImportance, type Graph } from "../graph/model";

export function layerTable(graph: Graph): Table {
  const counted = graph.layers.some(({ needed }) => needed !== null);
  return {
    columns: [
      text("Layer"), numeric("Width"), numeric("Features"), ...(counted ? [numeric("Needed for the score, constant included")] : []),
      numeric("Total importance"), numeric("Edges in"), numeric("Edges out"),
    ],
    rows: graph.layers.map((layer, index) => [
      layer.name, layer.dimension, layer.known ? layer.count - (layer.constant ? 1 : 0) : null, ...(counted ? [layer.needed] : []),
      layer.importance === null ? null : totalImportance(layer),
      graph.sections[index - 1]?.weight.length ?? 0, graph.sections[index]?.weight.length ?? 0,
    ]),
  };
}

/** @param modules module of every feature by layer, where they are known */
export function featureTable(graph: Graph, modules: readonly (readonly number[])[] | null = null): Table {
  const labelled = graph.layers.some(({ labels }) => labels?.some((label) => label !== null) === true);
  const rows = graph.layers.flatMap((layer, index) => {
    const total = totalImportance(layer);
    return Array.from({ length: layer.known ? layer.count - layer.first : 0 }, (_, row): Value[] => {
      const feature = layer.first + row;
      const importance = layer.importance?.[feature] ?? null;
      const strongest = (direction: "in" | "out"): string => {
        const [first] = neighbours(graph, { layer: index, feature }, direction);
        return first === undefined ? "" : featureName(graph.layers[first.node.layer]!, first.node.feature);
      };
      const constant = layer.constant && feature === 0;
      return [layer.name, featureName(layer, feature), importance, importance === null || constant || total === 0 ? null : importance / total, strongest("in"), strongest("out"), ...(modules === null ? [] : [moduleText(modules[index]?.[feature])]), ...(labelled ? [layer.labels?.[feature] ?? ""] : [])];
    });
  });
  return { columns: [text("Layer"), text("Feature"), numeric("Importance"), numeric("Share of layer"), text("Strongest input"), text("Strongest output"), ...(modules === null ? [] : [text("Module")]), ...(labelled ? [text("Label")] : [])], rows };
}

const moduleText = (module: number | undefined): string | null => (module === undefined ? null : module < 0 ? "alone" : moduleName(module));

/** @param above edges to list, by section: those at or above the graph's threshold. */
export function edgeTable(graph: Graph, above: readonly number[]): Table {
  const rows = graph.sections.flatMap((section, index) => {
    const from = graph.layers[index]!;
    const to = graph.layers[index + 1]!;
    return Array.from({ length: above[index] ?? 0 }, (_, edge): Value[] => {
      const weight = section.weight[edge]!;
      return [from.name, featureName(from, section.source[edge]!), to.name, featureName(to, section.target[edge]!), weight, section.total > 0 ? Math.abs(weight) / section.total : null];
    });
  });
  return { columns: [text("From layer"), text("From"), text("To layer"), text("To"), numeric("Weight"), numeric("Share of section")], rows };
}

export type Row = Table["rows"][number];

const feature = /^[fn]\d+$/;
const collator = new Intl.Collator("en", { numeric: true });

/** A sorted copy; missing values go last either way. */
export function sorted(rows: readonly Row[], column: number, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[column] ?? null, b[column] ?? null];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    return sign * (typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y)));
  });
}

/** Rows with every word of the query in some cell; the name of a feature must be the whole cell, so that f1 is not f12. */
export function filtered(rows: readonly Row[], query: string): Row[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => words.every((word) => row.some((value) => typeof value === "string" && (feature.test(word) ? value === word : value.toLowerCase().includes(word)))));
}
