/** @file Scores against what is kept (method sections 4.2, 4.4): small multiples over the layers, a look per basis, a line per model. */

import type { AblationCurve, AblationTarget } from "../protocol/ablation";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { element } from "./mark";
import { basisLooks, basisOrder } from "./series";
import { seriesMarks, sheet, type Panel } from "./sheet";
import { count, number, percent } from "./words";

/** What ablations of one model have found. */
export interface ModelCurves { readonly name: string; readonly curves: readonly AblationCurve[] }

interface Named { readonly model: string; readonly curve: AblationCurve }

/** The curves of every layer, in the order of the layers, LIB before PCA before neurons. */
export function byLayer(what: AblationTarget, models: readonly ModelCurves[], order: readonly string[]): { layer: string; curves: Named[] }[] {
  const all = models.flatMap(({ name, curves }) => curves.filter((curve) => curve.what === what).map((curve): Named => ({ model: name, curve })));
  return order.flatMap((layer) => {
    const own = all.filter(({ curve }) => curve.layer === layer).sort((a, b) => basisOrder.indexOf(a.curve.basis) - basisOrder.indexOf(b.curve.basis));
    return own.length === 0 ? [] : [{ layer, curves: own }];
  });
}

/** @param order names of the node layers @param width pixels that there are */
export function scoreFigure(what: AblationTarget, models: readonly ModelCurves[], order: readonly string[], width: number): Drawing {
  const groups = byLayer(what, models, order);
  const unit = what === "nodes" ? "features kept" : "edges kept";
  const used = basisOrder.filter((basis) => groups.some(({ curves }) => curves.some(({ curve }) => curve.basis === basis)));
  const several = models.length > 1;
  return {
    id: what === "nodes" ? "score-against-features" : "score-against-edges",
    title: `Score against ${unit}`,
    hint: what === "nodes" ? "The most important features are kept first. The axis ends soon after the score is back." : "The strongest edges of a section are kept first, all other sections stay whole.",
    table: {
      columns: [...(several ? [textColumn("Model")] : []), textColumn(what === "nodes" ? "Layer" : "Edges from"), textColumn("Basis"), numberColumn("Kept"), numberColumn("Score")],
      rows: groups.flatMap(({ curves }) => curves.flatMap(({ model, curve: { layer, basis, points } }) =>
        points.map(([kept, score]): Value[] => [...(several ? [model] : []), layer, basisLooks[basis].name, kept, score]))),
    },
    ...sheet({ legend: [...used.map((basis) => basisLooks[basis]), "untouched network"], panels: groups.map(({ layer, curves }) => panelOf(what, layer, curves, unit)) }, width),
  };
}

function panelOf(what: AblationTarget, layer: string, named: readonly Named[], unit: string): Panel {
  const curves = named.map(({ curve }) => curve);
  const { metric } = curves[0]!;
  const accuracy = metric === "accuracy";
  const written = accuracy ? percent : number;
  const most = what === "edges" ? Math.max(10, ...curves.map(({ total }) => total)) : reach(curves);
  // Nothing kept lies at no place of a logarithmic axis: it is in the table.
  const shown = (curve: AblationCurve): AblationCurve["points"] => curve.points.filter(([kept]) => (what === "edges" ? kept >= 1 : kept <= most)).sort(([a], [b]) => a - b);
  const scores = curves.flatMap((curve) => shown(curve).map(([, score]) => score));
  const bases = [...new Set(curves.map(({ base }) => base))];
  const tolerance = Math.max(...curves.map((curve) => curve.tolerance));
  return {
    title: what === "nodes" ? layer : `from ${layer}`,
    x: { label: unit, kind: what === "edges" ? "log" : "linear", domain: what === "edges" ? [1, most] : [0, most], whole: true, text: count },
    y: {
      label: accuracy ? "accuracy" : "loss (nats)", kind: "linear", ...(accuracy ? { text: percent } : {}),
      domain: accuracy ? [lowestAccuracy(scores), 1] : [Math.min(...bases, ...scores), Math.max(...bases.map((base) => base + 2 * tolerance), ...scores)],
    },
    draw: (x, y) => [
      ...bases.map((base) => element("line", { class: "dashed", x1: x.at(what === "edges" ? 1 : 0), x2: x.at(most), y1: y.at(base), y2: y.at(base) })),
      ...curves.flatMap((curve) => {
        const points = shown(curve);
        const look = basisLooks[curve.basis];
        return seriesMarks(points.map(([kept, score]) => [x.at(kept), y.at(score)]), look, (k) => `${look.name}: ${count(points[k]![0])} ${unit}, ${written(points[k]![1])}`);
      }),
    ],
  };
}

/** An axis from 0, unless all scores are high: a bisection probes where the score is nearly back. */
function lowestAccuracy(scores: readonly number[]): number {
  const lowest = Math.min(1, ...scores);
  return lowest < 0.6 ? 0 : Math.max(0, Math.floor((lowest - 0.01) * 20) / 20);
}

/** Where the curves of a layer have become flat, with some room behind it. */
const reach = (curves: readonly AblationCurve[]): number =>
  Math.min(Math.max(...curves.map(({ total }) => total)), Math.max(8, Math.ceil(1.5 * Math.max(...curves.map(({ needed }) => needed)))));
