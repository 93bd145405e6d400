import { describe, expect, it } from "vitest";
import { architectureFigure } from "../../../server/src/analysis/figures/architecture";
import { edgesFigure, nodesFigure, requiredFigure } from "../../../server/src/analysis/figures/curves";
import { density, explainedFigure } from "../../../server/src/analysis/figures/density";
import { directionsFigure, imageShape } from "../../../server/src/analysis/figures/directions";
import { graphFigure, pianoFigure } from "../../../server/src/analysis/figures/moduleFigures";
import { positionsFigure } from "../../../server/src/analysis/figures/positions";
import { scaleOf } from "../../../server/src/analysis/figures/scales";
import { fitted } from "../../../server/src/analysis/figures/svg";
import type { ResultModules } from "../../../server/src/analysis/resultModules";
import type { AblateEdgesAnswer, AblateNodesAnswer, LabelledLayer } from "../../../server/src/analysis/worker/messages";
import { matrix } from "../../../server/src/core/linalg/matrix";
import type { ResultMetadata } from "../../../server/src/protocol/result";

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

const nodeAnswer = (shift: number): AblateNodesAnswer => ({
  metric: "accuracy", tolerance: 0.001, base: 1, needed: { [hostile]: 3 }, curves: { [hostile]: Array.from({ length: 30 }, (_, k) => [k, Math.min(1, (k + shift) / 6)]) },
});
const edgeAnswer = (required: number): AblateEdgesAnswer => ({
  metric: "ce-loss", tolerance: 0.1, base: 0.2, required: { a: required }, total: { a: 400 }, weakest: { a: 1 }, probes: { a: [[400, 0.2], [20, 0.3], [0, 3], [1, 2.5]] },
});
const layer: LabelledLayer = {
  name: hostile, labels: ["constant", hostile, "b"], explained: [0, 0.9, 0.2],
  profile: [0, 1, 2].map((feature) => [0, 1, 2].map((group) => ({ group, count: 5, mean: feature * (group - 1), deviation: 0.5 }))),
};
const metadata = {
  layers: [{ name: "a", kept: 3, dimension: 5 }, { name: hostile, kept: 2, dimension: 5 }, { name: "output", kept: 0, dimension: 4 }],
  sections: [
    { from: "a", to: hostile, edges: { source: [1, 2, 0], target: [1, 1, 1], weight: [4, 1, 0.5] } },
    { from: hostile, to: "output", edges: { source: [1, 1], target: [3, 0], weight: [2, 1] } },
  ],
} as ResultMetadata;
const modules: ResultModules = {
  modularity: 0.3, gamma: 1, norm: "sqrt", sections: [],
  clusters: [[{ layer: "a", index: 1 }, { layer: hostile, index: 1 }, { layer: "output", index: 0 }], [{ layer: "a", index: 2 }], [{ layer: "a", index: 0 }], [{ layer: hostile, index: 0 }]],
};

describe("figures", () => {
  it.each<[string, () => string]>([
    ["nodes", () => nodesFigure([{ name: hostile, answers: [["lib", nodeAnswer(0)], ["pca", nodeAnswer(1)]] }])],
    ["edges", () => edgesFigure([{ name: "m", answers: [["lib", edgeAnswer(20)], ["neuron", edgeAnswer(90)]] }])],
    ["required", () => requiredFigure([{ name: "m", answers: [["lib", edgeAnswer(20)], ["pca", edgeAnswer(90)]] }, { name: "n", answers: [["lib", edgeAnswer(0)]] }])],
    ["explained", () => explainedFigure([{ name: hostile, answers: [["lib", { kind: "fourier", layers: [layer] }], ["pca", { kind: "fourier", layers: [] }]] }], () => 3)],
    ["graph", () => graphFigure(metadata, modules)],
    ["piano", () => pianoFigure(metadata, modules)],
    ["directions", () => directionsFigure(layer, matrix(3, 10, Float64Array.from({ length: 30 }, (_, k) => k - 12)), imageShape(9)!, [1, 2])],
    ["directions in colour", () => directionsFigure(layer, matrix(3, 13), imageShape(12)!, [1])],
    ["positions", () => positionsFigure(layer)],
    ["architecture", () => architectureFigure(hostile, ["a", "b", hostile, "output"], metadata.layers)],
  ])("%s is sound SVG, whatever the names", (_, draw) => {
    const svg = draw();
    mustBeSound(svg);
    expect(draw()).toBe(svg);
  });

  it("draw every point of a curve where its numbers say", () => {
    const svg = edgesFigure([{ name: "m", answers: [["lib", edgeAnswer(20)]] }]);
    const [, line] = /class="line s0"[^>]* d="([^"]+)"/.exec(svg)!;
    const points = [...line!.matchAll(/[ML]([\d.]+) ([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
    expect(points).toHaveLength(3);
    // 1, 20 and 400 edges lie evenly on a logarithmic axis, and the loss falls.
    expect(points[1]![0] - points[0]![0]).toBeCloseTo(points[2]![0] - points[1]![0], 1);
    expect(points[1]![1]).toBeGreaterThan(points[0]![1]);
  });

  it("a module's edges have its colour, edges between modules none", () => {
    const svg = graphFigure(metadata, modules);
    expect(svg.match(/class="line s0"/g)).toHaveLength(3);
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(pianoFigure(metadata, modules).match(/<rect class="(f0|faint)"/g)).toHaveLength(5);
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
    expect(ticks("log", [3, 60])).toEqual([5, 10, 20, 50]);
    expect(scaleOf({ label: "", kind: "log", domain: [1, 100] }, [10, 30]).at(10)).toBeCloseTo(20, 12);
  });

  it("long names are shortened in the middle; pictures are squares", () => {
    expect(fitted("short", 100)).toBe("short");
    expect(fitted("a_very_long_name_of_a_layer.12", 80)).toMatch(/^a_very.*…\S*12$/);
    expect([imageShape(784), imageShape(3072), imageShape(50), imageShape(1)]).toEqual([{ channels: 1, rows: 28, cols: 28 }, { channels: 3, rows: 32, cols: 32 }, null, null]);
  });
});
