/**
 * @file Features needed and edges required (method sections 4.2, 4.3, 5.1): bars for one model; for several a dot per model, joined between the
 * bases, and a bar at the mean.
 */

import type { AblationTarget } from "../protocol/ablation";
import { byLayer, type ModelCurves } from "./curves";
import { numberColumn, textColumn, type Drawing, type Picture, type Value } from "./drawing";
import { element, fitted, path, textWidth, type Mark } from "./mark";
import type { Scale } from "./scales";
import { basisLooks, basisOrder } from "./series";
import { sheet } from "./sheet";
import { count, number } from "./words";

type Groups = ReturnType<typeof byLayer>;

/** @param order names of the node layers @param width pixels that there are */
export function neededFigure(what: AblationTarget, models: readonly ModelCurves[], order: readonly string[], width: number): Drawing {
  const groups = byLayer(what, models, order);
  const several = models.length > 1;
  const tolerances = [...new Set(groups.flatMap(({ curves }) => curves.map(({ curve: { metric, tolerance } }) => (metric === "accuracy" ? `${number(100 * tolerance)} points of accuracy` : `${number(tolerance)} nats`))))];
  return {
    id: what === "nodes" ? "features-needed" : "edges-required",
    title: what === "nodes" ? "Features needed" : "Edges required",
    hint: `To keep the score within ${tolerances.join(" or ")}.`,
    table: {
      columns: [...(several ? [textColumn("Model")] : []), textColumn(what === "nodes" ? "Layer" : "Edges from"), textColumn("Basis"), numberColumn("Needed"), numberColumn("Of"), numberColumn("Share")],
      rows: groups.flatMap(({ curves }) => curves.map(({ model, curve: { layer, basis, needed, total } }): Value[] =>
        [...(several ? [model] : []), layer, basisLooks[basis].name, needed, total, total > 0 ? needed / total : null])),
    },
    ...(several ? dots(groups, models, what, width) : bars(groups, width)),
  };
}

const row = 20;
const widestBars = 620;

/** Horizontal bars in groups: names of layers are long. */
function bars(groups: Groups, width: number): Picture {
  const left = 12 + Math.max(0, ...groups.flatMap(({ curves }) => curves.map(({ curve }) => textWidth(basisLooks[curve.basis].name)))) + 12;
  const texts = groups.map(({ curves }) => curves.map(({ curve: { needed, total } }) => `${count(needed)} of ${count(total)}`));
  const wide = Math.min(width, widestBars);
  const room = Math.max(20, wide - left - Math.max(0, ...texts.flat().map((text) => textWidth(text))) - 18);
  const largest = Math.max(1, ...groups.flatMap(({ curves }) => curves.map(({ curve }) => curve.needed)));
  const marks: Mark[] = [];
  let y = 8;
  groups.forEach(({ layer, curves }, group) => {
    marks.push(element("text", { class: "strong", x: 0, y: y + 4 }, fitted(layer, wide)));
    y += row;
    curves.forEach(({ curve: { basis, needed } }, k) => {
      const { name, colour } = basisLooks[basis];
      const long = Math.max(1.5, (needed / largest) * room);
      marks.push(
        element("text", { x: 12, y: y + 4 }, name),
        element("rect", { class: `${basis === "lib" ? `f${colour}` : "line"} s${colour}`, "stroke-width": 1.4, x: left, y: y - 6, width: long, height: 12 }),
        // Stripes tell the basis apart where colours do not.
        ...(basis === "lib" ? [] : Array.from({ length: Math.max(0, Math.ceil(long / 6) - 1) }, (_, stripe) =>
          element("line", { class: `s${colour}`, "stroke-width": 1.4, x1: left + stripe * 6, y1: y + 6, x2: left + stripe * 6 + 6, y2: y - 6 }))),
        element("text", { x: left + long + 8, y: y + 4 }, texts[group]![k]!),
      );
      y += row;
    });
    y += 6;
  });
  return { width: wide, height: y - 4, marks };
}

function dots(groups: Groups, models: readonly ModelCurves[], what: AblationTarget, width: number): Picture {
  return sheet({ legend: [], panels: groups.map(({ layer, curves }) => {
    const bases = basisOrder.filter((basis) => curves.some(({ curve }) => curve.basis === basis));
    const ofModel = models.map(({ name }) => new Map(curves.filter(({ model }) => model === name).map(({ curve }) => [curve.basis, curve.needed])));
    return {
      title: what === "nodes" ? layer : `from ${layer}`,
      x: { label: "basis", kind: "linear" as const, domain: [-0.5, bases.length - 0.5] as const },
      y: { label: what === "nodes" ? "features needed" : "edges required", kind: "linear" as const, domain: [0, 1.1 * Math.max(1, ...curves.map(({ curve }) => curve.needed))] as const, whole: true },
      categories: bases.map((basis, at) => ({ at, text: basisLooks[basis].name })),
      draw: (x, y) => [
        ...ofModel.map((one) => element("path", { class: "axis", "stroke-opacity": 0.6, d: path(bases.flatMap((basis, at) => (one.has(basis) ? [[x.at(at), y.at(one.get(basis)!)] as const] : []))) })),
        ...bases.flatMap((basis, at) => meanAndDots(ofModel.flatMap((one) => one.get(basis) ?? []), x.at(at), y, basisLooks[basis].colour)),
      ],
    };
  }) }, width);
}

function meanAndDots(values: readonly number[], x: number, y: Scale, colour: number): Mark[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    element("line", { class: `s${colour}`, "stroke-width": 3, x1: x - 22, x2: x + 22, y1: y.at(mean), y2: y.at(mean) }),
    ...values.map((value) => element("circle", { class: `f${colour} outline`, cx: x, cy: y.at(value), r: 4 })),
    element("text", { class: "small", x: x + 27, y: y.at(mean) + 3 }, String(Math.round(mean * 10) / 10)),
  ];
}
