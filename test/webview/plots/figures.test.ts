import { describe, expect, test } from "vitest";
import { hues, moduleShape, type Rgb } from "../../../server/src/figures/look";
import { pianoFigure } from "../../../server/src/figures/piano";
import { fromResult } from "../../../webview/src/shared/data";
import { modulesOf as listed } from "../../../webview/src/shared/modules";
import { contrast, moduleColour } from "../../../webview/src/shared/palette";
import { fixture, modularAddition, modulesOf } from "../fixtures";
import { themes } from "../harness/themes";

const { metadata } = fixture(modularAddition, 3);
const data = fromResult("file:///r", metadata, null);

test("every feature with a module is in the list of modules and in the table of the piano plot", () => {
  const numbers = modulesOf(metadata, 1);
  const modules = listed(numbers);
  const grouped = modules.reduce((sum, { features }) => sum + features.length, 0);
  expect(grouped).toBe(numbers.layers.flat().filter((module) => module >= 0).length);
  for (const { index, features } of modules) for (const { layer, feature } of features) expect(numbers.layers[layer]![feature]).toBe(index);
  expect(pianoFigure(numbers, data.layers.map(({ name }) => name), "", 900).table.rows).toHaveLength(numbers.layers.flat().length);
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
