/** @file Draws what the case `scaling` measured; run by scripts/bench/scaling.mjs. `scalingFigure FILE` prints an SVG file. */

import { readFileSync } from "node:fs";
import { fileWidth, numberColumn, svgFile, textColumn } from "../../server/src/figures/drawing";
import type { Axis } from "../../server/src/figures/scales";
import { seriesMarks, sheet, type Panel, type SeriesLook } from "../../server/src/figures/sheet";

interface Measured {
  title: string;
  axis: string;
  points: { x: number; basis: number; edges: number }[];
  /** Fitted exponents. */
  basis: number;
  edges: number;
}

const looks: Record<"basis" | "edges", SeriesLook> = {
  basis: { name: "Jacobian Grams", colour: 0, dash: "", mark: "dot" },
  edges: { name: "Edges", colour: 1, dash: "6 3", mark: "ring" },
};

function panelOf({ title, axis, points, basis, edges }: Measured): Panel {
  const seconds = points.flatMap((point) => [point.basis, point.edges]);
  const log = (label: string, values: readonly number[], margin: number): Axis => (
    { label, kind: "log", domain: [Math.min(...values) / margin, Math.max(...values) * margin] }
  );
  return {
    title: `${title}: exponents ${basis.toFixed(2)}, ${edges.toFixed(2)}`,
    x: log(axis, points.map(({ x }) => x), 1.1),
    y: log("seconds", seconds, 1.3),
    draw: (x, y) => (["basis", "edges"] as const).flatMap((name) => (
      seriesMarks(points.map((point) => [x.at(point.x), y.at(point[name])]), looks[name], (k) => `${points[k].x}: ${points[k][name].toFixed(3)} s`)
    )),
  };
}

const measured = JSON.parse(readFileSync(process.argv[2], "utf8")) as Measured[];
process.stdout.write(svgFile({
  id: "scaling", title: "Seconds of the passes over the data", hint: "Logarithmic axes; the exponents are those of Jacobian Grams and of edges over the last three points.",
  table: {
    columns: [textColumn("Varied"), numberColumn("Value"), numberColumn("Jacobian Grams, s"), numberColumn("Edges, s")],
    rows: measured.flatMap(({ title, points }) => points.map(({ x, basis, edges }) => [title, x, basis, edges])),
  },
  ...sheet({ legend: [looks.basis, looks.edges], panels: measured.map(panelOf) }, fileWidth),
}));
