/** @file Features of an image layer as pictures: what adding a feature adds to the input, with its mean in every class beneath (method section 4.8). */

import type { Matrix } from "../../core/linalg/matrix";
import type { LabelledLayer } from "../worker/messages";
import { document, element, fitted, rounded } from "./svg";

export interface ImageShape { readonly channels: number; readonly rows: number; readonly cols: number }

/** Square pictures of one channel, or of three, channel after channel; null when the width is neither. */
export function imageShape(width: number): ImageShape | null {
  for (const channels of [1, 3]) {
    const side = Math.round(Math.sqrt(width / channels));
    if (side > 1 && side * side * channels === width) return { channels, rows: side, cols: side };
  }
  return null;
}

const picture = 96;
const cell = { width: 150, height: picture + 118 };
const columns = 6;
const top = 54;
const strip = { height: 44, width: 112 };

/**
 * @param CPinv [r, d] of the layer; the last component is the constant
 * @param features which rows to draw
 */
export function directionsFigure(layer: LabelledLayer, CPinv: Matrix, shape: ImageShape, features: readonly number[]): string {
  const cells = features.map((feature, k) => element("g", { transform: `translate(${16 + (k % columns) * cell.width} ${top + Math.floor(k / columns) * cell.height})` }, [
    element("text", { class: "strong", x: 0, y: 10 }, `feature ${feature}`),
    element("g", { transform: "translate(0 16)" }, pixels(CPinv.data.subarray(feature * CPinv.cols, feature * CPinv.cols + shape.channels * shape.rows * shape.cols), shape)),
    element("g", { transform: `translate(0 ${picture + 24})` }, classMeans(layer.profile?.[feature] ?? [])),
    ...captionOf(layer.labels[feature] ?? "").map((line, at) => element("text", { class: "small", x: 0, y: picture + 24 + strip.height + 22 + 12 * at }, fitted(line, cell.width, 8.5))),
  ]));
  const shownColumns = Math.min(columns, Math.max(3, features.length));
  return document(32 + shownColumns * cell.width, top + Math.ceil(features.length / columns) * cell.height, `Features of ${layer.name} as pictures`, [
    element("text", { class: "strong title", x: 16, y: 22 }, `Features of ${layer.name} as pictures`),
    element("text", { x: 16, y: 39 }, shape.channels === 1 ? "blue: less, orange: more. Below: mean in every class" : "grey: unchanged. Below: mean in every class"),
    ...cells,
  ]);
}

/** "71% class|high 3 5|low 0" on two lines. */
function captionOf(label: string): string[] {
  const [share = "", ...sides] = label.split("|");
  return [share, sides.join(", ")];
}

/** A rectangle per pixel, on one scale per picture: grey is no change. */
function pixels(values: Float64Array, { channels, rows, cols }: ImageShape): string[] {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-300);
  const size = picture / Math.max(rows, cols);
  const marks: string[] = [];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < cols; x += 1) {
      const at = (channel: number): number => values[(channel * rows + y) * cols + x]! / largest;
      const colour = channels === 3 ? [at(0), at(1), at(2)].map((value) => 128 + 127 * value) : diverging(at(0));
      // A hair wider than a pixel: no seams between neighbours.
      marks.push(`<rect x="${rounded(x * size)}" y="${rounded(y * size)}" width="${rounded(size + 0.15)}" height="${rounded(size + 0.15)}" fill="#${colour.map(hex).join("")}"/>`);
    }
  }
  return marks;
}

const hex = (value: number): string => Math.max(0, Math.min(255, Math.round(value))).toString(16).padStart(2, "0");

/** Blue below zero, orange above, light grey at it. */
function diverging(value: number): number[] {
  const end = value < 0 ? [0, 104, 179] : [194, 80, 10];
  return end.map((channel) => 240 + (channel - 240) * Math.min(1, Math.abs(value)));
}

/** Bars from the middle line, classes side by side. */
function classMeans(groups: readonly { group: number; mean: number }[]): string[] {
  if (groups.length === 0) return [];
  const largest = Math.max(1e-300, ...groups.map(({ mean }) => Math.abs(mean)));
  const step = strip.width / groups.length;
  const middle = strip.height / 2;
  return [
    ...groups.map(({ mean }, k) => {
      const height = (Math.abs(mean) / largest) * middle;
      return element("rect", { class: mean < 0 ? "f0" : "f1", x: k * step + 0.5, y: mean < 0 ? middle : middle - height, width: Math.max(0.5, step - 1), height });
    }),
    element("line", { class: "axis", x1: 0, x2: strip.width, y1: middle, y2: middle }),
    // More than these would overlap.
    ...(groups.length <= 10 ? groups.map(({ group }, k) => element("text", { class: "small", x: (k + 0.5) * step, y: strip.height + 9, "text-anchor": "middle" }, String(group))) : []),
  ];
}
