/** @file How wide and how deep modules are (method section 4.5 c): node layers that a module spans against its features. */

import type { ModuleNumbers } from "../protocol/ablation";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { hues, moduleName, moduleShape } from "./look";
import { element, textWidth, tip } from "./mark";
import { sheet } from "./sheet";
import { plural } from "./words";

interface Span { module: number; features: number; layers: number }

/** Modules that reach over all layers are computations; those within one layer are only alike. @param width pixels that there are */
export function spansFigure(numbers: ModuleNumbers, width: number): Drawing {
  const spans = spansOf(numbers);
  const deepest = Math.max(2, numbers.layers.filter((layer) => layer.length > 0).length);
  const widest = Math.max(2, ...spans.map(({ features }) => features));
  return {
    id: "module-spans", title: "Span of modules", hint: "A mark per module: how many features it has, and over how many node layers they reach. Modules of the same size and reach share a mark.",
    table: {
      columns: [textColumn("Module"), numberColumn("Features"), numberColumn("Node layers")],
      rows: spans.map(({ module, features, layers }): Value[] => [moduleName(module), features, layers]),
    },
    ...sheet({ legend: [], panels: [{
      title: `${plural(spans.length, "module")} of more than one feature`,
      x: { label: "features", kind: "linear", domain: [0, widest * 1.08], whole: true },
      y: { label: "node layers", kind: "linear", domain: [0, deepest + 0.3], whole: true },
      draw: (x, y) => alikes(spans).flatMap((alike, _place, all) => {
        const { module, features, layers } = alike[0]!;
        const colour = module % hues;
        const names = alike.map((one) => moduleName(one.module));
        const name = alike.length > 1 ? `×${alike.length}` : names[0]!;
        // Names above marks close together would cover each other; all are in the tips and the table.
        const isCrowded = all.some(([other]) => other!.layers === layers && other!.features > features && x.at(other!.features) - x.at(features) < textWidth(name, 9.5) + 4);
        return [
          element("circle", { class: `${moduleShape(module) === 2 ? "paper" : `mf${colour}`} ms${colour}`, "stroke-width": 1.6, cx: x.at(features), cy: y.at(layers), r: Math.min(11, 3.5 + 1.5 * Math.sqrt(alike.length)) },
            [tip(`${names.join(", ")}: ${plural(features, "feature")} in ${plural(layers, "layer")}`)]),
          ...(isCrowded ? [] : [element("text", { class: "small halo", x: x.at(features), y: y.at(layers) - 10, "text-anchor": "middle" }, name)]),
        ];
      }),
    }] }, width),
  };
}

function spansOf({ layers }: ModuleNumbers): Span[] {
  const found = new Map<number, Span>();
  layers.forEach((features) => {
    for (const module of features) {
      if (module < 0) continue;
      const span = found.get(module) ?? { module, features: 0, layers: 0 };
      found.set(module, { ...span, features: span.features + 1 });
    }
    for (const module of new Set(features)) {
      const span = found.get(module);
      if (span) span.layers += 1;
    }
  });
  return [...found.values()].sort((a, b) => a.module - b.module);
}

/** Modules that would lie on one place. */
function alikes(spans: readonly Span[]): Span[][] {
  const places = new Map<string, Span[]>();
  for (const span of spans) {
    const place = `${span.features} ${span.layers}`;
    places.set(place, [...(places.get(place) ?? []), span]);
  }
  return [...places.values()];
}
