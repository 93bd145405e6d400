/** @file Lambda and the eigenvalues of the Gram of every layer, as shares of the largest: a gap says how many features there are (method section 2). */

import type { LayerSummary } from "../protocol/result";
import { numberColumn, textColumn, type Drawing, type Value } from "./drawing";
import { element } from "./mark";
import { basisLooks } from "./series";
import { seriesMarks, sheet, type Panel, type SeriesLook } from "./sheet";
import { count, number } from "./words";

const lambdaLook: SeriesLook = { ...basisLooks.lib, name: "Importance (Λ)" };
const gramLook: SeriesLook = { ...basisLooks.pca, name: "Variance (Gram)" };

/** Largest ratio between neighbours of a falling list; null with fewer than three values. */
export function largestGap(values: readonly number[]): { after: number; ratio: number } | null {
  let best: { after: number; ratio: number } | null = null;
  for (let at = 0; at + 1 < values.length && values.length > 2; at++) {
    const ratio = values[at + 1]! > 0 ? values[at]! / values[at + 1]! : 0;
    if (best === null || ratio > best.ratio) best = { after: at + 1, ratio };
  }
  return best;
}

type Layer = Pick<LayerSummary, "name" | "kept" | "lambda" | "gramEigenvalues" | "gramRank">;

/** @param centred the constant feature comes first and is left out @param width pixels that there are */
export function spectraFigure(layers: readonly Layer[], centred: boolean, width: number): Drawing {
  const first = centred ? 1 : 0;
  const known = layers.filter(({ kept }) => kept > 0).map((layer) => ({
    name: layer.name,
    lambda: layer.lambda.slice(first).filter((value) => value > 0),
    gram: layer.gramEigenvalues.slice(first, layer.gramRank).filter((value) => value > 0),
  }));
  return {
    id: "spectra", title: "Spectra", hint: "Shares of the largest value, without the constant feature. The dotted line is the largest gap in the importance.",
    table: {
      columns: [textColumn("Layer"), numberColumn("Feature"), numberColumn("Importance"), numberColumn("Variance")],
      rows: known.flatMap(({ name, lambda, gram }) => Array.from({ length: Math.max(lambda.length, gram.length) }, (_, at): Value[] => [name, at + 1, lambda[at] ?? null, gram[at] ?? null])),
    },
    ...sheet({ legend: known.length === 0 ? [] : [lambdaLook, gramLook], panels: known.map((layer) => panelOf(layer)) }, width),
  };
}

function panelOf({ name, lambda, gram }: { name: string; lambda: readonly number[]; gram: readonly number[] }): Panel {
  const shares = (values: readonly number[]): number[] => values.map((value) => value / values[0]!);
  const lowest = Math.min(1e-3, ...shares(lambda), ...shares(gram));
  const gap = largestGap(lambda);
  const most = Math.max(lambda.length, gram.length, 2);
  return {
    title: name,
    x: { label: "feature", kind: "linear", domain: [0, most], whole: true, text: count },
    y: { label: "share of the largest", kind: "log", domain: [10 ** Math.floor(Math.log10(lowest)), 1] },
    draw: (x, y) => {
      const line = (values: readonly number[], look: SeriesLook): ReturnType<typeof seriesMarks> =>
        seriesMarks(shares(values).map((share, at) => [x.at(at + 1), y.at(share)]), look, (at) => `${look.name}: feature ${count(at + 1)}, ${number(values[at]!)}`);
      if (gap === null || gap.ratio < 2) return [...line(gram, gramLook), ...line(lambda, lambdaLook)];
      const place = x.at(gap.after + 0.5);
      // The word stands on the side where there is room for it.
      const before = place > (x.at(0) + x.at(most)) / 2;
      return [
        element("line", { class: "dashed", "stroke-dasharray": "2 3", x1: place, x2: place, y1: y.at(1), y2: y.at(0) }),
        ...line(gram, gramLook), ...line(lambda, lambdaLook),
        element("text", { class: "halo", x: before ? place - 5 : place + 5, y: y.at(1) + 10, "text-anchor": before ? "end" : "start" }, `×${number(gap.ratio)} after ${gap.after}`),
      ];
    },
  };
}
