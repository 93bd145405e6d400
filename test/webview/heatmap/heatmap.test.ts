import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../server/src/core/random";
import { colourTable, parseColour, tableSize } from "../../../webview/src/heatmap/colour";
import { clusteredOrder } from "../../../webview/src/heatmap/order";
import { levelFor, pyramid } from "../../../webview/src/heatmap/pyramid";
import { pixelTable, scaled, spread, tableIndex } from "../../../webview/src/heatmap/scale";
import { pan, reveal, whole, zoom } from "../../../webview/src/heatmap/viewport";
import type { Theme } from "../../../webview/src/shared/theme";

function noise(rows: number, cols: number, seed: number): { rows: number; cols: number; values: Float32Array } {
  const next = seededRandom(seed);
  return { rows, cols, values: Float32Array.from({ length: rows * cols }, () => next() - 0.5) };
}

describe("pyramid", () => {
  test("the value of largest size survives on every level, with its sign", () => {
    const matrix = noise(301, 173, 1);
    matrix.values[217 * 173 + 171] = -9;
    const levels = pyramid(matrix, null, null);
    expect(levels.length).toBeGreaterThan(2);
    levels.forEach((level, depth) => {
      expect(level.values[(217 >> depth) * level.cols + (171 >> depth)]).toBe(-9);
      expect(level.values.length).toBe(level.rows * level.cols);
    });
  });

  test("one value that is not a number shows on every level", () => {
    const matrix = noise(200, 200, 2);
    matrix.values[5] = NaN;
    for (const level of pyramid(matrix, null, null)) expect(level.values.some(Number.isNaN)).toBe(true);
  });

  test("orders permute rows and columns", () => {
    const matrix = { rows: 2, cols: 3, values: Float32Array.of(1, 2, 3, 4, 5, 6) };
    const [base] = pyramid(matrix, Uint32Array.of(1, 0), Uint32Array.of(2, 0, 1));
    expect(Array.from(base!.values)).toEqual([6, 4, 5, 3, 1, 2]);
  });

  test("the level follows the cells per pixel", () => {
    const levels = pyramid(noise(1024, 1024, 3), null, null);
    expect([0.5, 1, 1.9, 2, 5, 1000].map((cells) => levelFor(levels, cells))).toEqual([0, 0, 0, 1, 2, levels.length - 1]);
  });
});

test("clustering brings hidden blocks back to the diagonal", () => {
  const size = 60;
  const blocks = 3;
  const next = seededRandom(7);
  const values = new Float32Array(size * size);
  // Blocks are interleaved, so that nothing is seen in the stored order; a weak chain between them gives them an order.
  for (let row = 0; row < size; row++) for (let col = 0; col < size; col++) {
    const gap = Math.abs((row % blocks) - (col % blocks));
    values[row * size + col] = gap === 0 ? 0.8 + 0.2 * next() : gap === 1 ? 0.02 : 0;
  }
  const { rows, cols } = clusteredOrder({ rows: size, cols: size, values });
  expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, k) => k));
  const changes = (order: Uint32Array): number => Array.from(order).filter((index, at) => at > 0 && index % blocks !== order[at - 1]! % blocks).length;
  expect(changes(rows)).toBe(blocks - 1);
  expect(changes(cols)).toBe(blocks - 1);
  expect(rows[0]! % blocks).toBe(cols[0]! % blocks);
});

test("empty rows and columns go last, and an empty matrix keeps its order", () => {
  const values = new Float32Array(16);
  values[5] = 1;
  values[10] = 2;
  const { rows } = clusteredOrder({ rows: 4, cols: 4, values });
  expect(Array.from(rows).slice(2)).toEqual([0, 3]);
  expect(Array.from(clusteredOrder({ rows: 2, cols: 2, values: new Float32Array(4) }).rows)).toEqual([0, 1]);
});

describe("scale and colours", () => {
  const theme = (light: boolean): Theme => ({ light, highContrast: false } as Theme);

  test.each(["linear", "symlog"] as const)("%s is odd, monotone and ends at one", (kind) => {
    let last = -Infinity;
    for (let value = -2; value <= 2; value += 0.01) {
      const now = scaled(value, 1.5, kind);
      expect(now).toBeGreaterThanOrEqual(last);
      expect(now).toBeCloseTo(-scaled(-value, 1.5, kind), 12);
      last = now;
    }
    expect(scaled(1.5, 1.5, kind)).toBeCloseTo(1, 12);
    expect(scaled(0, 1.5, kind)).toBe(0);
  });

  test("zero is exactly the background, and the signs differ in every theme", () => {
    for (const [light, background] of [[true, [255, 255, 255]], [false, [31, 31, 31]]] as const) {
      const table = colourTable(theme(light), background);
      const middle = table[(tableSize - 1) / 2]!;
      expect([middle & 255, (middle >> 8) & 255, (middle >> 16) & 255]).toEqual(background);
      const pixels = pixelTable(table, 2, "linear");
      const at = (value: number): number[] => { const pixel = pixels[tableIndex(value, 2)]!; return [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255]; };
      const [positive, negative] = [at(0.9), at(-0.9)];
      expect(positive[2]! - positive[0]!).toBeGreaterThan(30);
      expect(negative[0]! - negative[2]!).toBeGreaterThan(30);
      expect(at(5)).toEqual(at(2));
    }
  });

  test("lightness moves away from the background step by step", () => {
    for (const light of [true, false]) {
      const table = colourTable(theme(light), light ? [255, 255, 255] : [31, 31, 31]);
      const luminance = Array.from(table, (pixel) => 0.2126 * (pixel & 255) + 0.7152 * ((pixel >> 8) & 255) + 0.0722 * ((pixel >> 16) & 255));
      const half = (tableSize - 1) / 2;
      for (let step = 1; step <= half; step++) {
        for (const side of [-1, 1]) {
          const change = luminance[half + side * step]! - luminance[half + side * (step - 1)]!;
          expect(light ? change : -change).toBeLessThanOrEqual(1);
        }
      }
    }
  });

  test("colours are read from both spellings", () => {
    expect(parseColour("#1f1F20", [0, 0, 0])).toEqual([31, 31, 32]);
    expect(parseColour("rgb(1, 2, 3)", [0, 0, 0])).toEqual([1, 2, 3]);
    expect(parseColour("hotpink", [9, 9, 9])).toEqual([9, 9, 9]);
  });

  test("the spread of a matrix with one strong cell", () => {
    const values = new Float32Array(100).fill(0.001);
    values[7] = -10;
    values[8] = NaN;
    const numbers = spread(values);
    expect(numbers).toMatchObject({ largest: 10, cellsForMost: 1, notFinite: 1 });
  });
});

describe("viewport", () => {
  test("zooming in and out again comes back, and never leaves the matrix", () => {
    let view = whole;
    for (const factor of [0.5, 0.7, 0.3, 2, 5, 0.1, 30]) {
      view = zoom(view, factor, 0.9, 0.1, 200, 100);
      expect(view.x).toBeGreaterThanOrEqual(0);
      expect(view.x + view.width).toBeLessThanOrEqual(1 + 1e-12);
    }
    expect(view).toEqual(whole);
    expect(pan(zoom(whole, 0.5, 0.5, 0.5, 100, 100), 5, -5)).toEqual({ x: 0.5, y: 0, width: 0.5, height: 0.5 });
  });

  test("a cell outside is brought in by the shortest way", () => {
    const view = { x: 0.5, y: 0.5, width: 0.2, height: 0.2 };
    const shown = reveal(view, 10, 95, 100, 100);
    expect(shown.y).toBeCloseTo(0.1, 12);
    expect(shown.x).toBeCloseTo(0.76, 12);
    expect(reveal(view, 55, 55, 100, 100)).toEqual(view);
  });
});
