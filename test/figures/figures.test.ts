import { describe, expect, it } from "vitest";
import { architectureFigure } from "../../server/src/figures/architecture";
import { scoreFigure } from "../../server/src/figures/curves";
import { directionsFigure, imageShape } from "../../server/src/figures/directions";
import { fileWidth, svgFile, type Drawing } from "../../server/src/figures/drawing";
import { density, explainedFigure } from "../../server/src/figures/explained";
import { graphFigure, type GraphContent } from "../../server/src/figures/graph";
import { fitted } from "../../server/src/figures/mark";
import { neededFigure } from "../../server/src/figures/needed";
import { pianoFigure } from "../../server/src/figures/piano";
import { positionsFigure } from "../../server/src/figures/positions";
import { profilePicture } from "../../server/src/figures/profile";
import { scaleOf } from "../../server/src/figures/scales";
import { spansFigure } from "../../server/src/figures/spans";
import { largestGap, spectraFigure } from "../../server/src/figures/spectra";
import type { AblationCurve, ModuleNumbers } from "../../server/src/protocol/ablation";
import type { LabelledLayer } from "../../server/src/protocol/labels";
import type { BasisName } from "../../server/src/protocol/result";

const hostile = '<script>alert("1")</script>&';

/** Every element is closed in order, no number is missing, and nothing was left unescaped. */
function mustBeSound(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, , empty] of svg.replace(/<\?.*?\?>/, "").matchAll(/<(\/?)([a-z]+)((?:\s[\w-]+="[^"<]*")*)(\/?)>/g)) {
    if (closing) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg).not.toMatch(/NaN|Infinity|undefined|<script/);
  expect(svg.match(/</g)!.length).toBe(svg.match(/<(\/?)([a-z]+)((?:\s[\w-]+="[^"<]*")*)(\/?)>|<\?/g)!.length);
  expect(svg).toContain("prefers-color-scheme:dark");
}

const nodeCurve = (basis: BasisName, needed: number): AblationCurve => ({
  what: "nodes", basis, layer: hostile, metric: "accuracy", tolerance: 0.001, base: 1, needed, total: 29, points: Array.from({ length: 30 }, (_, k) => [k, Math.min(1, k / needed)]),
});
const edgeCurve = (basis: BasisName, needed: number): AblationCurve => ({
  what: "edges", basis, layer: "a", metric: "ce-loss", tolerance: 0.1, base: 0.2, needed, total: 400, points: [[400, 0.2], [20, 0.3], [0, 3], [1, 2.5]],
});
const order = ["a", hostile];
const one = [{ name: "m", curves: [edgeCurve("lib", 20), edgeCurve("pca", 90)] }];
const layer: LabelledLayer = {
  name: hostile, labels: ["constant", hostile, "b"], explained: [0, 0.9, 0.2],
  profile: [0, 1, 2].map((feature) => [0, 1, 2].map((group) => ({ group, text: `"${hostile}"`, count: 5, mean: feature * (group - 1), deviation: 0.5 }))),
};
const layers = [{ name: "a", kept: 3, dimension: 5 }, { name: hostile, kept: 2, dimension: 5 }, { name: "output", kept: 0, dimension: 4 }];
const graph: GraphContent = {
  layers,
  sections: [
    { from: "a", to: hostile, edges: { source: [1, 2, 0], target: [1, 1, 1], weight: [4, 1, 0.5] } },
    { from: hostile, to: "output", edges: { source: [1, 1], target: [3, 0], weight: [2, 1] } },
  ],
};
const modules: ModuleNumbers = { modularity: 0.3, edgesInside: 0.6, layers: [[-1, 0, -1], [-1, 0], [0]] };
const spectra = { name: hostile, kept: 4, gramRank: 5, lambda: [9, 8, 4, 0.01], gramEigenvalues: [7, 6, 5, 0.1, 0.01] };

const figures: [string, (width: number) => Drawing][] = [
  ["spectra", (width) => spectraFigure([spectra], true, width)],
  ["nodes", (width) => scoreFigure("nodes", [{ name: hostile, curves: [nodeCurve("lib", 6), nodeCurve("neuron", 9)] }], order, width)],
  ["edges", (width) => scoreFigure("edges", one, order, width)],
  ["required by one model", (width) => neededFigure("edges", one, order, width)],
  ["required by several", (width) => neededFigure("edges", [...one, { name: "n", curves: [edgeCurve("lib", 0)] }], order, width)],
  ["explained", (width) => explainedFigure([{ name: hostile, answers: [["lib", { kind: "fourier", layers: [layer] }], ["pca", { kind: "fourier", layers: [] }]] }], () => 3, width)],
  ["graph", () => graphFigure(graph, modules, hostile)],
  ["piano", (width) => pianoFigure(modules, layers.map(({ name }) => name), hostile, width)],
  ["spans", (width) => spansFigure(modules, width)],
  ["directions", (width) => directionsFigure(layer, { cols: 10, values: Float64Array.from({ length: 30 }, (_, k) => k - 12) }, imageShape(9)!, [1, 2], width)],
  ["directions in colour", (width) => directionsFigure(layer, { cols: 13, values: new Float32Array(39) }, imageShape(12)!, [1], width)],
  ["positions", (width) => positionsFigure(layer, width)],
  ["architecture", (width) => architectureFigure(hostile, ["a", "b", hostile, "output"], layers, width)],
];

describe("figures", () => {
  it.each(figures)("%s is sound SVG, whatever the names, with a table", (_, draw) => {
    const drawing = draw(fileWidth);
    mustBeSound(svgFile(drawing));
    expect(svgFile(draw(fileWidth))).toBe(svgFile(drawing));
    expect(drawing.table.rows.length).toBeGreaterThan(0);
    for (const row of drawing.table.rows) expect(row).toHaveLength(drawing.table.columns.length);
  });

  it.each(figures.filter(([name]) => name !== "graph"))("%s fits the width that there is", (_, draw) => {
    for (const width of [300, 420, 900]) expect(draw(width).width).toBeLessThanOrEqual(width);
  });

  it.each(["class", "position", "token"] as const)("the profile of one feature by %s is sound SVG as wide as its place", (kind) => {
    const picture = profilePicture(kind, layer.profile![1]!, 264);
    mustBeSound(svgFile({ ...picture, id: "", title: "", hint: "", table: { columns: [], rows: [] } }));
    expect(picture.width).toBe(264);
  });

  it("draw every point of a curve where its numbers say", () => {
    const svg = svgFile(scoreFigure("edges", one, order, fileWidth));
    const [, line] = /class="line s0"[^>]* d="([^"]+)"/.exec(svg)!;
    const points = [...line!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    expect(points).toHaveLength(3);
    // 1, 20 and 400 edges lie evenly on a logarithmic axis, and the loss falls.
    expect(points[1]![0] - points[0]![0]).toBeCloseTo(points[2]![0] - points[1]![0], 1);
    expect(points[1]![1]).toBeGreaterThan(points[0]![1]);
  });

  it("every line in a legend lies inside its picture, in as many rows as that takes", () => {
    const drawing = scoreFigure("edges", [{ name: "m", curves: (["lib", "pca", "neuron"] as const).map((basis) => edgeCurve(basis, 20)) }], order, 240);
    const texts = drawing.marks.filter(({ name }) => name === "text");
    expect(texts.map(({ children }) => children)).toEqual(["LIB", "PCA", "Neurons", "untouched network"]);
    for (const { attributes } of texts) expect(attributes["x"]).toBeLessThan(240);
    expect(new Set(texts.map(({ attributes }) => attributes["y"])).size).toBeGreaterThan(1);
  });

  it("a spectrum starts at its largest value, and its table has every feature but the constant", () => {
    const { table } = spectraFigure([spectra], true, fileWidth);
    expect(table.rows).toEqual([[hostile, 1, 8, 6], [hostile, 2, 4, 5], [hostile, 3, 0.01, 0.1], [hostile, 4, null, 0.01]]);
  });

  it("the largest gap is the one between the neighbours of largest ratio", () => {
    expect(largestGap([100, 90, 80, 2, 1.5])).toEqual({ after: 3, ratio: 40 });
    expect(largestGap([5, 1])).toBeNull();
  });

  it("the table of a score figure has every point, the table of what is needed every curve", () => {
    expect(scoreFigure("edges", one, order, 900).table.rows).toHaveLength(8);
    expect(neededFigure("edges", one, order, 900).table.rows.map(([, basis, needed]) => [basis, needed])).toEqual([["LIB", 20], ["PCA", 90]]);
  });

  it("a module's edges have its colour, edges between modules none", () => {
    const svg = svgFile(graphFigure(graph, modules, ""));
    expect(svg.match(/class="line ms0"/g)).toHaveLength(3);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    const apart = svgFile(graphFigure(graph, { modularity: 0, edgesInside: 0, layers: [[-1, 0, 1], [-1, 0], []] }, ""));
    expect(apart.match(/class="line ms0"/g)).toHaveLength(1);
    const keys = svgFile(pianoFigure(modules, layers.map(({ name }) => name), "", fileWidth));
    expect(keys.match(/<rect class="mf0"/g)).toHaveLength(3);
    expect(keys.match(/<rect class="faint"/g)).toHaveLength(3);
  });

  it("the spans of modules count every feature once and every layer once", () => {
    const numbers: ModuleNumbers = { modularity: 0.3, edgesInside: 0.6, layers: [[-1, 0, 0, 1], [0, 0, 1, 2, 2], [], [1]] };
    expect(spansFigure(numbers, fileWidth).table.rows).toEqual([["M1", 4, 2], ["M2", 3, 3], ["M3", 2, 1]]);
  });

  it("names of modules that would cover each other are left to the table; the others stand", () => {
    const layer = [[0, 150], [1, 4], [2, 5], [3, 80]].flatMap(([module, size]) => Array.from({ length: size! }, () => module!));
    const drawing = spansFigure({ modularity: 0, edgesInside: 1, layers: [layer, layer] }, fileWidth);
    const named = [...svgFile(drawing).matchAll(/<text class="small halo"[^>]*>(M\d)</g)].map(([, name]) => name);
    expect(named.sort()).toEqual(["M1", "M3", "M4"]);
    expect(drawing.table.rows.map(([name]) => name)).toEqual(["M1", "M2", "M3", "M4"]);
  });

  it("a density holds all of its mass between 0 and 1", () => {
    for (const values of [[0.5], [1, 1, 0.98], [0, 0.1, 0.9, 1]]) {
      const points = density(values);
      const mass = points.slice(1).reduce((sum, [at, value], k) => sum + ((value + points[k]![1]) / 2) * (at - points[k]![0]), 0);
      expect(mass).toBeCloseTo(1, 2);
    }
    expect(density([])).toEqual([]);
  });

  it("axes are marked with round numbers inside their domain", () => {
    const ticks = (kind: "linear" | "log", domain: [number, number], whole = false): number[] => scaleOf({ label: "", kind, domain, whole }, [0, 100]).ticks.map(({ value }) => value);
    expect(ticks("linear", [0, 1.05])).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks("linear", [0, 2], true)).toEqual([0, 1, 2]);
    expect(ticks("log", [1, 10_000])).toEqual([1, 10, 100, 1000, 10_000]);
    expect(scaleOf({ label: "", kind: "log", domain: [1e-6, 1] }, [0, 100]).ticks.map(({ text }) => text)).toEqual(["1e−6", "1e−4", "0.01", "1"]);
    expect(ticks("log", [3, 60])).toEqual([5, 10, 20, 50]);
    expect(scaleOf({ label: "", kind: "log", domain: [1, 100] }, [10, 30]).at(10)).toBeCloseTo(20, 12);
  });

  it("long names are shortened in the middle; pictures are squares", () => {
    expect(fitted("short", 100)).toBe("short");
    expect(fitted("a_very_long_name_of_a_layer.12", 80)).toMatch(/^a_very.*…\S*12$/);
    expect([imageShape(784), imageShape(3072), imageShape(50), imageShape(1)]).toEqual([{ channels: 1, rows: 28, cols: 28 }, { channels: 3, rows: 32, cols: 32 }, null, null]);
  });
});
