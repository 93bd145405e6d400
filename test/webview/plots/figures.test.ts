import { describe, expect, test } from "vitest";
import { linear, logarithmic } from "../../../webview/src/plots/axis";
import { largestGap, needed, scoreCurves, spectra } from "../../../webview/src/plots/figures";
import { pianoTable } from "../../../webview/src/plots/piano";
import { fromResult } from "../../../webview/src/shared/data";
import { modulesOf as listed } from "../../../webview/src/shared/modules";
import { contrast, hues, moduleColour, moduleShape } from "../../../webview/src/shared/palette";
import type { Rgb, Theme } from "../../../webview/src/shared/theme";
import { ablationCurves, fixture, modularAddition, modulesOf } from "../fixtures";
import { themes } from "../harness/themes";

const { metadata } = fixture(modularAddition, 3);
const data = fromResult("file:///r", metadata, null);
const theme = { light: false, positive: [1, 2, 3], negative: [4, 5, 6] } as unknown as Theme;

describe("axes", () => {
  test.each([[0, 1], [0, 785], [-3, 12], [0.95, 1], [5, 5]])("linear from %d to %d: ticks are evenly spaced, inside, and where they belong", (low, high) => {
    const { at, ticks } = linear({ low, high }, 50, 350);
    for (const tick of ticks) expect(tick >= low - 1e-9 && tick <= high + 1e-9).toBe(true);
    const steps = ticks.slice(1).map((tick, index) => at(tick) - at(ticks[index]!));
    for (const step of steps) expect(step).toBeCloseTo(steps[0]!, 6);
    expect(at(low)).toBeCloseTo(50, 9);
    if (high > low) expect(at(high)).toBeCloseTo(350, 9);
  });

  test("logarithmic: equal ratios are equal distances, and what lies below is drawn at the end", () => {
    const { at, ticks } = logarithmic({ low: 1e-6, high: 1 }, 200, 20);
    expect(at(1e-2) - at(1e-3)).toBeCloseTo(at(1e-5) - at(1e-6), 9);
    expect(at(0)).toBe(at(1e-6));
    for (const tick of ticks) expect(Math.log10(tick)).toBeCloseTo(Math.round(Math.log10(tick)), 9);
  });
});

describe("figures", () => {
  test("a spectrum starts at 1, falls, and has a row for every feature that is drawn", () => {
    const { charts, table } = spectra(data, theme);
    expect(charts.map(({ title }) => title)).toEqual(["ln1.0", "ln2.0", "unembed"]);
    charts.forEach(({ series }) => series.forEach(({ points }) => {
      expect(points[0]).toEqual([1, 1]);
      points.slice(1).forEach(([, share], index) => expect(share).toBeLessThanOrEqual(points[index]![1]));
    }));
    expect(table.rows).toHaveLength(charts.reduce((sum, { series }) => sum + Math.max(...series.map(({ points }) => points.length)), 0));
    expect(table.rows.filter(([layer]) => layer === "ln1.0").map(([, , lambda]) => lambda).slice(0, 23)).toEqual(metadata.layers[0]!.lambda.slice(1));
  });

  test("the largest gap is the one between the neighbours of largest ratio", () => {
    expect(largestGap([100, 90, 80, 2, 1.5])).toEqual({ after: 3, ratio: 40 });
    expect(largestGap([5, 1])).toBeNull();
  });

  const curves = ablationCurves(metadata);
  test.each(["nodes", "edges"] as const)("curves of %s: a chart per layer with all bases, what is needed lies on the axis, the table has every point", (what) => {
    const figure = scoreCurves(what, data, curves, theme);
    const own = curves.filter((curve) => curve.what === what);
    expect(figure.charts).toHaveLength(own.length / 2);
    figure.charts.forEach(({ title, x, series }) => {
      expect(series.map(({ name }) => name)).toEqual(["LIB", "PCA"]);
      for (const { needed: least } of own.filter(({ layer }) => layer === title)) expect(least).toBeLessThanOrEqual(x.domain.high);
      for (const { points } of series) for (const [kept] of points) expect(kept >= x.domain.low && kept <= x.domain.high).toBe(true);
    });
    expect(figure.table.rows).toHaveLength(own.reduce((sum, { points }) => sum + points.length, 0));
    const bars = needed(what, data, curves, theme);
    expect(bars.bars.flatMap((group) => group.bars.map(({ value }) => value)).sort()).toEqual(own.map((curve) => curve.needed).sort());
  });

  test("every feature with a module is in the list of modules and in the table of the piano plot", () => {
    const numbers = modulesOf(metadata, 1);
    const modules = listed(numbers);
    const grouped = modules.reduce((sum, { features }) => sum + features.length, 0);
    expect(grouped).toBe(numbers.layers.flat().filter((module) => module >= 0).length);
    for (const { index, features } of modules) for (const { layer, feature } of features) expect(numbers.layers[layer]![feature]).toBe(index);
    expect(pianoTable(numbers, data.layers.map(({ name }) => name)).rows).toHaveLength(numbers.layers.flat().length);
  });
});

describe("colours of modules", () => {
  const rgb = (text: string): Rgb => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)) as unknown as Rgb;
  test.each(Object.entries(themes))("stand out from the background of the theme %s by 3:1", (name, { variables }) => {
    for (let module = 0; module < hues; module++) expect(contrast(moduleColour(module, name.includes("light")), rgb(variables["editor-background"]!))).toBeGreaterThanOrEqual(3);
  });
  test("colour and shape together tell three rounds of hues apart", () => {
    const looks = new Set(Array.from({ length: 3 * hues }, (_, module) => `${moduleColour(module, true).join()} ${moduleShape(module)}`));
    expect(looks.size).toBe(3 * hues);
  });
  test("the contrast of black and white is 21", () => expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 9));
});
