/** @file What the figures of the Plots tab show: charts, the lines of their legend, and the same numbers as a table. Nothing is drawn here. */

import type { AblationCurve, AblationTarget } from "../../../server/src/protocol/ablation";
import type { BasisName } from "../../../server/src/protocol/result";
import type { LensData } from "../shared/data";
import { count, number, percent } from "../shared/format";
import type { Theme } from "../shared/theme";
import type { Table, Value } from "../table/rows";
import type { BarGroup, Chart, Rule, Series } from "./chart";

export interface Figure {
  /** Part of the file name of an export. */
  id: string;
  title: string;
  hint: string;
  legend: readonly Omit<Series, "points">[];
  charts: readonly Chart[];
  /** Instead of charts. */
  bars: readonly BarGroup[];
  table: Table;
}

const basisNames: Record<BasisName, string> = { lib: "LIB", pca: "PCA", neuron: "Neurons" };
const basisOrder: readonly BasisName[] = ["lib", "pca", "neuron"];
const text = (title: string): { title: string; numeric: boolean } => ({ title, numeric: false });
const numeric = (title: string): { title: string; numeric: boolean } => ({ title, numeric: true });

/** How a basis looks in every figure. */
function look(basis: BasisName, theme: Theme): Omit<Series, "points"> {
  const grey = theme.light ? ([96, 96, 96] as const) : ([170, 170, 170] as const);
  const looks = {
    lib: { colour: theme.positive, dash: "", mark: "dot" },
    pca: { colour: theme.negative, dash: "6 3", mark: "ring" },
    neuron: { colour: grey, dash: "2 3", mark: "square" },
  } as const;
  return { name: basisNames[basis], line: true, ...looks[basis] };
}

/** Largest ratio between neighbours of a falling list; null with fewer than three values. */
export function largestGap(values: readonly number[]): { after: number; ratio: number } | null {
  let best: { after: number; ratio: number } | null = null;
  for (let at = 0; at + 1 < values.length && values.length > 2; at++) {
    const ratio = values[at + 1]! > 0 ? values[at]! / values[at + 1]! : 0;
    if (best === null || ratio > best.ratio) best = { after: at + 1, ratio };
  }
  return best;
}

/** Lambda and the eigenvalues of the Gram of every layer, as shares of the largest: a gap says how many features there are. */
export function spectra(data: Pick<LensData, "layers" | "metadata">, theme: Theme): Figure {
  const first = data.metadata?.spec.basis?.center !== false ? 1 : 0;
  const charts: Chart[] = [];
  const rows: Value[][] = [];
  const lambdaLook = { ...look("lib", theme), name: "Importance (Λ)" };
  const gramLook = { ...look("pca", theme), name: "Variance (Gram)" };
  for (const { name, summary } of data.layers) {
    if (summary === null || summary.kept === 0) continue;
    const lambda = summary.lambda.slice(first).filter((value) => value > 0);
    const gram = summary.gramEigenvalues.slice(first, summary.gramRank).filter((value) => value > 0);
    const shares = (values: readonly number[]): [number, number][] => values.map((value, at) => [at + 1, value / values[0]!]);
    const lowest = Math.min(1e-3, ...shares(lambda).map(([, share]) => share), ...shares(gram).map(([, share]) => share));
    const gap = largestGap(lambda);
    const rules: Rule[] = gap === null || gap.ratio < 2 ? [] : [{ axis: "x", at: gap.after + 0.5, label: `×${number(gap.ratio)} after ${gap.after}`, dash: "2 3" }];
    charts.push({
      title: name,
      x: { label: "feature", domain: { low: 0, high: Math.max(lambda.length, gram.length, 2) }, log: false, text: count },
      y: { label: "share of the largest", domain: { low: 10 ** Math.floor(Math.log10(lowest)), high: 1 }, log: true, text: number },
      series: [{ ...gramLook, points: shares(gram) }, { ...lambdaLook, points: shares(lambda) }],
      rules,
    });
    for (let at = 0; at < Math.max(lambda.length, gram.length); at++) rows.push([name, at + 1, lambda[at] ?? null, gram[at] ?? null]);
  }
  return {
    id: "spectra", title: "Spectra", bars: [], legend: [lambdaLook, gramLook], charts,
    hint: "Shares of the largest value, without the constant feature. The dotted line is the largest gap in the importance.",
    table: { columns: [text("Layer"), numeric("Feature"), numeric("Importance"), numeric("Variance")], rows },
  };
}

const byLayer = (curves: readonly AblationCurve[], order: readonly string[]): { layer: string; curves: AblationCurve[] }[] =>
  order.flatMap((layer) => {
    const own = curves.filter((curve) => curve.layer === layer).sort((a, b) => basisOrder.indexOf(a.basis) - basisOrder.indexOf(b.basis));
    return own.length === 0 ? [] : [{ layer, curves: own }];
  });

const scoreText = (metric: AblationCurve["metric"]) => (value: number): string => (metric === "accuracy" ? percent(value) : number(value));

/** Score against features or edges kept, a chart per layer or section, all bases in it. */
export function scoreCurves(what: AblationTarget, data: Pick<LensData, "layers">, all: readonly AblationCurve[], theme: Theme): Figure {
  const groups = byLayer(all.filter((curve) => curve.what === what), data.layers.map(({ name }) => name));
  const unit = what === "nodes" ? "features kept" : "edges kept";
  const charts = groups.map(({ layer, curves }): Chart => {
    const [{ metric, base, tolerance }] = curves as [AblationCurve];
    const accuracy = metric === "accuracy";
    const scores = curves.flatMap(({ points }) => points.map(([, score]) => score));
    const high = what === "edges" ? Math.max(10, ...curves.map(({ total }) => total)) : reach(curves);
    // Nothing kept lies at no place of a logarithmic axis: it is in the table.
    const inside = (kept: number): boolean => (what === "edges" ? kept >= 1 : kept <= high);
    return {
      title: layer,
      x: { label: unit, domain: what === "edges" ? { low: 1, high } : { low: 0, high }, log: what === "edges", text: count },
      y: {
        label: accuracy ? "accuracy" : "loss", log: false, text: scoreText(metric),
        domain: accuracy ? { low: lowestAccuracy(scores), high: 1 } : { low: Math.min(base, ...scores), high: Math.max(base + 2 * tolerance, ...scores) },
      },
      series: curves.map(({ basis, points }) => ({ ...look(basis, theme), mark: points.length > 60 ? "none" : look(basis, theme).mark, points: points.filter(([kept]) => inside(kept)) })),
      rules: [{ axis: "y", at: base, label: `untouched ${scoreText(metric)(base)}`, dash: "2 3" }],
    };
  });
  const used = basisOrder.filter((basis) => groups.some(({ curves }) => curves.some((curve) => curve.basis === basis)));
  return {
    id: what === "nodes" ? "score-against-features" : "score-against-edges", title: `Score against ${unit}`, bars: [], charts, legend: used.map((basis) => look(basis, theme)),
    hint: what === "nodes" ? "The most important features are kept first. The axis ends soon after the score is back; the table goes on." : "The strongest edges of a section are kept first, all other sections stay whole.",
    table: {
      columns: [text(what === "nodes" ? "Layer" : "Edges from"), text("Basis"), numeric("Kept"), numeric("Score")],
      rows: groups.flatMap(({ curves }) => curves.flatMap(({ layer, basis, points }) => points.map(([kept, score]): Value[] => [layer, basisNames[basis], kept, score]))),
    },
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

/** Features or edges that keep the score, as bars. */
export function needed(what: AblationTarget, data: Pick<LensData, "layers">, all: readonly AblationCurve[], theme: Theme): Figure {
  const groups = byLayer(all.filter((curve) => curve.what === what), data.layers.map(({ name }) => name));
  const tolerances = [...new Set(groups.flatMap(({ curves }) => curves.map(({ metric, tolerance }) => (metric === "accuracy" ? `${number(100 * tolerance)} points of accuracy` : `${number(tolerance)} nats`))))];
  return {
    id: what === "nodes" ? "features-needed" : "edges-required", title: what === "nodes" ? "Features needed" : "Edges required", charts: [], legend: [],
    hint: `To keep the score within ${tolerances.join(" or ")}.`,
    bars: groups.map(({ layer, curves }) => ({
      name: layer,
      bars: curves.map(({ basis, needed: value, total }) => ({ name: basisNames[basis], value, colour: look(basis, theme).colour, hatched: basis !== "lib", text: `${count(value)} of ${count(total)}` })),
    })),
    table: {
      columns: [text(what === "nodes" ? "Layer" : "Edges from"), text("Basis"), numeric("Needed"), numeric("Of"), numeric("Share")],
      rows: groups.flatMap(({ curves }) => curves.map(({ layer, basis, needed: value, total }): Value[] => [layer, basisNames[basis], value, total, total > 0 ? value / total : null])),
    },
  };
}
