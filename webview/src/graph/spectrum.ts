/** @file A layer's spectrum as a small picture: bars over six decades, so that a gap is seen. */

import { svg } from "../shared/dom";
import type { GraphLayer } from "./model";

const decades = 6;
const barLimit = 48;

/** Hidden from screen readers: the number of features stands beside it as text. */
export function spectrum(layer: GraphLayer, width: number, height: number, marked: number | null = null): SVGElement {
  const values = layer.importance === null ? [] : Array.from(layer.importance).slice(layer.constant ? 1 : 0);
  const largest = Math.max(...values, 0);
  const step = width / Math.min(barLimit, Math.max(values.length, 12));
  const bars = values.slice(0, barLimit).map((value, at) => {
    const share = value > 0 && largest > 0 ? Math.max(0.04, 1 + Math.log10(value / largest) / decades) : 0.02;
    const tall = Math.max(1, share * height);
    const isMarked = marked !== null && at === marked - (layer.constant ? 1 : 0);
    return svg("rect", { class: isMarked ? "bar marked" : "bar", x: (at * step).toFixed(2), y: (height - tall).toFixed(2), width: Math.max(1, step - 1).toFixed(2), height: tall.toFixed(2) });
  });
  return svg("svg", { class: "spectrum", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", width, height, "aria-hidden": "true", focusable: "false" }, ...bars);
}
