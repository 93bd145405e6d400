/** @file Scores against what is kept, and edges required: small multiples over the layers, a line or dot per model, a colour per basis. */

import type { AblateEdgesAnswer, AblateNodesAnswer } from "../worker/messages";
import type { BasisName } from "../../protocol/result";
import type { Axis, Scale } from "./scales";
import { sheet, type LegendEntry, type Panel } from "./sheet";
import { element, path } from "./svg";

export const basisColours: Record<BasisName, number> = { lib: 0, pca: 1, neuron: 6 };
const basisNames: Record<BasisName, string> = { lib: "LIB", pca: "PCA", neuron: "neurons" };

export type OfBases<T> = readonly { readonly name: string; readonly answers: readonly (readonly [basis: BasisName, answer: T])[] }[];

interface Curve { readonly basis: BasisName; readonly base: number; readonly points: readonly (readonly [kept: number, score: number])[]; readonly enough: number }

const metricName = (metric: string): string => (metric === "accuracy" ? "accuracy" : "cross-entropy (nats)");

/** Score against features kept (method section 4.2). */
export function nodesFigure(models: OfBases<AblateNodesAnswer>): string {
  const layers = namesOf(models, ({ curves }) => curves);
  const panels = layers.map((layer): Panel => {
    const curves = curvesOf(models, (answer) => ({ points: answer.curves[layer] ?? [], enough: answer.needed[layer] ?? 0 }));
    // Beyond what is needed the curves are flat.
    const most = Math.max(20, ...curves.map(({ enough }) => Math.ceil(enough * 1.5)));
    const shown = curves.map((curve) => ({ ...curve, points: curve.points.filter(([kept]) => kept <= most) }));
    return panelOf(layer, { label: "features kept", kind: "linear", domain: [0, most], whole: true }, shown, metricOf(models));
  });
  return sheet({ title: "Score against features kept", description: describe("Score against features kept", models), legend: legendOf(models, true), panels });
}

/** Score against edges kept, on a logarithmic axis (method section 4.4). */
export function edgesFigure(models: OfBases<AblateEdgesAnswer>): string {
  const panels = namesOf(models, ({ probes }) => probes).map((layer): Panel => {
    const curves = curvesOf(models, (answer) => ({
      points: [...(answer.probes[layer] ?? [])].filter(([kept]) => kept > 0).sort(([a], [b]) => a - b), enough: answer.required[layer] ?? 0,
    }));
    const most = Math.max(10, ...curves.flatMap(({ points }) => points.map(([kept]) => kept)));
    return panelOf(`from ${layer}`, { label: "edges kept", kind: "log", domain: [1, most] }, curves, metricOf(models));
  });
  return sheet({ title: "Score against edges kept", description: describe("Score against edges kept", models), legend: legendOf(models, true), panels });
}

function panelOf(title: string, x: Axis, curves: readonly Curve[], metric: string): Panel {
  const scores = curves.flatMap(({ points, base }) => [base, ...points.map(([, score]) => score)]);
  const highest = metric === "accuracy" ? 1.05 : Math.max(...scores) * 1.05 || 1;
  return {
    title, x, y: { label: metricName(metric), kind: "linear", domain: [0, highest] },
    draw: (xs, ys) => [
      ...[...new Set(curves.map(({ base }) => base))].map((base) => element("line", { class: "dashed", x1: xs.at(x.domain[0]), x2: xs.at(x.domain[1]), y1: ys.at(base), y2: ys.at(base) })),
      ...curves.map(({ basis, points }) => element("path", { class: `line s${basisColours[basis]}`, "stroke-width": 1.4, "stroke-opacity": 0.85, d: path(points.map(([kept, score]) => [xs.at(kept), ys.at(score)])) })),
      ...curves.flatMap(({ basis, points }) => (points.length > 40 ? [] : points.map(([kept, score]) => element("circle", { class: `f${basisColours[basis]}`, cx: xs.at(kept), cy: ys.at(score), r: 1.7 })))),
    ],
  };
}

/** Edges required per section: a dot per model, models joined between the bases, a bar at the mean (method sections 4.3, 5.1). */
export function requiredFigure(models: OfBases<AblateEdgesAnswer>): string {
  const bases = [...new Set(models.flatMap(({ answers }) => answers.map(([basis]) => basis)))];
  const panels = namesOf(models, ({ required }) => required).map((layer): Panel => {
    const values = models.map(({ answers }) => new Map(answers.map(([basis, answer]) => [basis, answer.required[layer] ?? 0])));
    const largest = Math.max(1, ...values.flatMap((one) => [...one.values()]));
    return {
      title: `from ${layer}`,
      x: { label: "basis", kind: "linear", domain: [-0.5, bases.length - 0.5] },
      y: { label: "edges required", kind: "linear", domain: [0, largest * 1.1] },
      categories: bases.map((basis, at) => ({ at, text: basisNames[basis] })),
      draw: (x, y) => [
        ...values.map((one) => element("path", { class: "axis", "stroke-opacity": 0.6, d: path(bases.flatMap((basis, at) => (one.has(basis) ? [[x.at(at), y.at(one.get(basis)!)] as const] : []))) })),
        ...bases.flatMap((basis, at) => meanAndDots(values.flatMap((one) => one.get(basis) ?? []), x.at(at), y, basisColours[basis])),
      ],
    };
  });
  return sheet({ title: `Edges required (${toleranceOf(models)})`, description: describe("Edges required", models), legend: [], panels });
}

function meanAndDots(values: readonly number[], x: number, y: Scale, colour: number): string[] {
  if (values.length === 0) return [];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    element("line", { class: `s${colour}`, "stroke-width": 3, x1: x - 22, x2: x + 22, y1: y.at(mean), y2: y.at(mean) }),
    ...values.map((value) => element("circle", { class: `f${colour} outline`, cx: x, cy: y.at(value), r: 4 })),
    element("text", { class: "small", x: x + 27, y: y.at(mean) + 3 }, String(Math.round(mean * 10) / 10)),
  ];
}

function curvesOf<T extends { base: number }>(models: OfBases<T>, pick: (answer: T) => { points: readonly (readonly [number, number])[]; enough: number }): Curve[] {
  return models.flatMap(({ answers }) => answers.map(([basis, answer]) => ({ basis, base: answer.base, ...pick(answer) })));
}

function namesOf<T>(models: OfBases<T>, of: (answer: T) => Record<string, unknown>): string[] {
  return [...new Set(models.flatMap(({ answers }) => answers.flatMap(([, answer]) => Object.keys(of(answer)))))];
}

const metricOf = (models: OfBases<{ metric: string }>): string => models[0]?.answers[0]?.[1].metric ?? "accuracy";

function toleranceOf(models: OfBases<{ metric: string; tolerance: number }>): string {
  const tolerance = models[0]?.answers[0]?.[1].tolerance ?? 0;
  return `${metricName(metricOf(models))} within ${tolerance} of the untouched network`;
}

function legendOf(models: OfBases<unknown>, withBase: boolean): LegendEntry[] {
  const bases = [...new Set(models.flatMap(({ answers }) => answers.map(([basis]) => basis)))];
  return [...bases.map((basis) => ({ text: basisNames[basis], colour: basisColours[basis] })), ...(withBase ? [{ text: "untouched network", colour: "dashed" as const }] : [])];
}

const describe = (what: string, models: OfBases<unknown>): string => `${what}: ${models.map(({ name }) => name).join(", ")}`;
