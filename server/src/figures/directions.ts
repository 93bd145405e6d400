/** @file Features of an image layer as pictures: what adding a feature adds to the input, with its mean in every class beneath (method section 4.8). */

import type { LabelledLayer } from "../protocol/labels";
import { numberColumn, textColumn, type Drawing, type Picture, type Value } from "./drawing";
import { element, fitted, shift, type Mark } from "./mark";
import { groupBars } from "./profile";

export interface ImageShape { readonly channels: number; readonly rows: number; readonly cols: number }

/** Square pictures of one channel, or of three, channel after channel; null when the width is neither. */
export function imageShape(width: number): ImageShape | null {
  for (const channels of [1, 3]) {
    const side = Math.round(Math.sqrt(width / channels));
    if (side > 1 && side * side * channels === width) return { channels, rows: side, cols: side };
  }
  return null;
}

/** Rows of a layer's CPinv [r, d], the last component being the constant. */
export interface Directions { readonly cols: number; readonly values: ArrayLike<number> }

const size = 96;
const cell = { width: 150, height: size + 118 };
const strip = { width: 112, height: 44 };

/**
 * @param layer without a profile where the classes are not known
 * @param features which rows to draw
 * @param width pixels that there are
 */
export function directionsFigure(layer: LabelledLayer, CPinv: Directions, shape: ImageShape, features: readonly number[], width: number): Drawing {
  const columns = Math.max(1, Math.min(features.length, Math.floor((width + 20) / cell.width)));
  const high = layer.profile === undefined ? size + 36 : cell.height;
  const cells = features.map((feature, k) => shift((k % columns) * cell.width, Math.floor(k / columns) * high, [
    element("text", { class: "strong", x: 0, y: 10 }, `f${feature}`),
    shift(0, 16, directionPicture(CPinv, feature, shape, size).marks),
    ...(layer.profile === undefined ? [] : [shift(0, size + 24, groupBars(layer.profile[feature] ?? [], strip))]),
    ...captionOf(layer.labels[feature] ?? "").map((line, at) => element("text", { class: "small", x: 0, y: size + 24 + strip.height + 22 + 12 * at }, fitted(line, cell.width, 8.5))),
  ]));
  const classes = layer.profile?.[features[0] ?? 0] ?? [];
  return {
    id: "directions", title: `Features of ${layer.name} as pictures`,
    hint: `What a feature adds to the input; ${shape.channels === 1 ? "blue: more, orange: less" : "grey: unchanged"}.${classes.length === 0 ? "" : " Below: mean in every class."}`,
    width: columns * cell.width, height: Math.ceil(features.length / columns) * high, marks: cells,
    table: {
      columns: [numberColumn("Feature"), ...(classes.length === 0 ? [] : [textColumn("Label")]), ...classes.map(({ group, text }) => numberColumn(`Class ${text ?? group}`))],
      rows: features.map((feature): Value[] => [feature, ...(classes.length === 0 ? [] : [layer.labels[feature] ?? ""]), ...(layer.profile?.[feature] ?? []).map(({ mean }) => mean)]),
    },
  };
}

/** "71% class|high 3 5|low 0" on two lines. */
function captionOf(label: string): string[] {
  const [share = "", ...sides] = label.split("|");
  return [share, sides.join(", ")];
}

/** One feature on a scale of its own: a rectangle per pixel, grey is no change. @param side of the picture in pixels, about */
export function directionPicture({ cols, values }: Directions, feature: number, { channels, rows, cols: wide }: ImageShape, side: number): Picture {
  const first = feature * cols;
  let largest = 1e-300;
  for (let at = 0; at < channels * rows * wide; at += 1) largest = Math.max(largest, Math.abs(values[first + at]!));
  // Whole pixels of the screen: no seams between neighbours.
  const pixel = Math.max(1, Math.round(side / Math.max(rows, wide)));
  const marks: Mark[] = [];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const at = (channel: number): number => values[first + (channel * rows + y) * wide + x]! / largest;
      const colour = channels === 3 ? [at(0), at(1), at(2)].map((value) => 128 + 127 * value) : diverging(at(0));
      marks.push(element("rect", { x: x * pixel, y: y * pixel, width: pixel, height: pixel, fill: `#${colour.map(hex).join("")}` }));
    }
  }
  return { width: wide * pixel, height: rows * pixel, marks: [element("g", { "shape-rendering": "crispEdges" }, marks)] };
}

const hex = (value: number): string => Math.max(0, Math.min(255, Math.round(value))).toString(16).padStart(2, "0");

/** Blue above zero, orange below, light grey at it. */
function diverging(value: number): number[] {
  const end = value > 0 ? [0, 104, 179] : [194, 80, 10];
  return end.map((channel) => 240 + (channel - 240) * Math.min(1, Math.abs(value)));
}
