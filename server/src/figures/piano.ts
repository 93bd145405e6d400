/** @file The piano plot (method section 4.5 b): a column per node layer, a key per feature, coloured by its module. */

import type { ModuleNumbers } from "../protocol/ablation";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { hues, moduleName, moduleShape } from "./look";
import { element, fitted, tip, type Mark } from "./mark";

const margin = { left: 34, top: 24, bottom: 4 };
/** Pixels of a key, where there is room. */
const key = { most: 14, least: 2 };
const widest = 120;

/** @param layers names of the node layers; those without features are left out @param hint how the modules were found @param width pixels that there are */
export function pianoFigure(numbers: ModuleNumbers, layers: readonly string[], hint: string, width: number): Drawing {
  const columns = numbers.layers.flatMap((features, index) => (features.length === 0 ? [] : [{ name: layers[index] ?? "", features }]));
  const longest = Math.max(1, ...columns.map(({ features }) => features.length));
  const high = Math.max(key.least, Math.min(key.most, 560 / longest));
  const pitch = Math.min(widest, (width - margin.left) / Math.max(1, columns.length));
  const wide = Math.max(4, pitch - 8);
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((step) => step * high >= 22) ?? 1000;
  return {
    id: "modules", title: "Modules", hint: `A key per feature, coloured by module; ${hint}. Grey: in no module.`,
    width: margin.left + columns.length * pitch, height: margin.top + longest * high + margin.bottom,
    marks: [
      ...columns.flatMap(({ name, features }, column) => {
        const x = margin.left + column * pitch;
        return [
          // A column too narrow for any name has it under the pointer.
          ...(pitch < 30 ? [] : [element("text", { x, y: 12 }, [element("tspan", {}, fitted(name, pitch - 4)), tip(name)])]),
          ...features.flatMap((module, feature) => drawKey(module, `${name} f${feature}`, x, margin.top + feature * high, wide, high)),
        ];
      }),
      ...Array.from({ length: Math.ceil(longest / every) }, (_, k) => k * every)
        .map((feature) => element("text", { x: margin.left - 7, y: margin.top + (feature + 0.5) * high + 4, "text-anchor": "end" }, `f${feature}`)),
    ],
    table: {
      columns: [textColumn("Layer"), numberColumn("Feature"), textColumn("Module")],
      rows: numbers.layers.flatMap((features, index) => features.map((module, feature): Value[] => [layers[index] ?? "", feature, module < 0 ? "alone" : moduleName(module)])),
    },
  };
}

function drawKey(module: number, name: string, x: number, y: number, width: number, high: number): Mark[] {
  const height = Math.max(1, high - (high > 5 ? 1 : 0));
  const box = { x, y, width, height };
  if (module < 0) return [element("rect", { class: "faint", ...box }, [tip(`${name}, in no module`)])];
  const shape = moduleShape(module);
  const colour = module % hues;
  return [
    element("rect", { class: `mf${colour}`, ...(shape === 2 ? { "fill-opacity": 0.35 } : {}), ...box }, [tip(`${name}, ${moduleName(module)}`)]),
    ...(shape === 1 ? [element("rect", { class: "paper", x, y: y + height / 2 - Math.max(0.5, high / 10), width, height: Math.max(1, high / 5) })] : []),
    // The number too, where it can be read: colours repeat, and not everybody sees them.
    ...(high >= 11 && width >= 24 ? [element("text", { class: shape === 2 ? "small strong" : "inside", x: x + width / 2, y: y + height / 2 + 3, "text-anchor": "middle" }, moduleName(module))] : []),
  ];
}
