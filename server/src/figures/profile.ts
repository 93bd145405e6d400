/** @file How one feature depends on classes, positions or tokens (method section 4.8). */

import type { GroupMean, LabelKind } from "../protocol/labels";
import type { Picture } from "./drawing";
import { element, fitted, path, textWidth, tip, type Mark } from "./mark";
import type { Scale } from "./scales";
import { number } from "./words";

const nameOf = ({ group, text }: GroupMean): string => text ?? String(group);
const told = (mean: GroupMean): Mark => tip(`${nameOf(mean)}: ${number(mean.mean)} ± ${number(mean.deviation)}, ${mean.count} values`);

/** Bars from the middle line, groups side by side, as large as `strip` with a row of names below. */
export function groupBars(groups: readonly GroupMean[], strip: { readonly width: number; readonly height: number }): Mark[] {
  if (groups.length === 0) return [];
  const largest = Math.max(1e-300, ...groups.map(({ mean }) => Math.abs(mean)));
  const step = strip.width / groups.length;
  const middle = strip.height / 2;
  return [
    ...groups.map((one, k) => {
      const height = (Math.abs(one.mean) / largest) * middle;
      return element("rect", { class: one.mean < 0 ? "f1" : "f0", x: k * step + 0.5, y: one.mean < 0 ? middle : middle - height, width: Math.max(0.5, step - 1), height }, [told(one)]);
    }),
    element("line", { class: "axis", x1: 0, x2: strip.width, y1: middle, y2: middle }),
    // More than these would overlap.
    ...(groups.length <= 10 ? groups.map((one, k) => element("text", { class: "small", x: (k + 0.5) * step, y: strip.height + 9, "text-anchor": "middle" }, fitted(nameOf(one), step, 8))) : []),
  ];
}

/** Mean with the deviation as a band, groups in order along x. */
export function band(groups: readonly GroupMean[], x: Scale, y: Scale): Mark[] {
  const edge = (sign: number): (readonly [number, number])[] => groups.map(({ group, mean, deviation }) => [x.at(group), y.at(mean + sign * deviation)] as const);
  return [
    element("path", { class: "f0", "fill-opacity": 0.2, d: `${path([...edge(1), ...edge(-1).reverse()])}Z` }),
    element("path", { class: "line s0", "stroke-width": 1.8, d: path(groups.map(({ group, mean }) => [x.at(group), y.at(mean)])) }),
  ];
}

const row = 18;

/** A row per token, the one furthest from the mean first: name, bar from the middle line, mean. */
function tokenRows(groups: readonly GroupMean[], width: number): Picture {
  const names = Math.min(width * 0.4, 8 + Math.max(0, ...groups.map((one) => textWidth(nameOf(one)))));
  const largest = Math.max(1e-300, ...groups.map(({ mean }) => Math.abs(mean)));
  const values = 58;
  const half = Math.max(8, (width - names - values) / 2);
  const middle = names + half;
  return {
    width, height: groups.length * row + 4,
    marks: [
      ...groups.flatMap((one, k) => {
        const long = (Math.abs(one.mean) / largest) * half;
        const y = k * row;
        return [
          element("text", { x: 0, y: y + 12 }, fitted(nameOf(one), names - 4)),
          element("rect", { class: one.mean < 0 ? "f1" : "f0", x: one.mean < 0 ? middle - long : middle, y: y + 2, width: Math.max(0.5, long), height: row - 6 }, [told(one)]),
          element("text", { x: width, y: y + 12, "text-anchor": "end" }, number(one.mean)),
        ];
      }),
      element("line", { class: "axis", x1: middle, x2: middle, y1: 0, y2: groups.length * row }),
    ],
  };
}

/** The profile of one feature, for a narrow place. */
export function profilePicture(kind: Exclude<LabelKind, "fourier">, groups: readonly GroupMean[], width: number): Picture {
  if (kind === "token") return tokenRows(groups, width);
  const height = 72;
  if (kind === "class") return { width, height: height + 14, marks: groupBars(groups, { width, height }) };
  const low = Math.min(0, ...groups.map(({ mean, deviation }) => mean - deviation));
  const high = Math.max(0, ...groups.map(({ mean, deviation }) => mean + deviation));
  const last = Math.max(1, ...groups.map(({ group }) => group));
  const x: Scale = { at: (value) => (value / last) * width, ticks: [] };
  const y: Scale = { at: (value) => height - ((value - low) / (high - low || 1)) * height, ticks: [] };
  return {
    width, height: height + 14,
    marks: [
      element("line", { class: "axis", x1: 0, x2: width, y1: y.at(0), y2: y.at(0) }), ...band(groups, x, y),
      element("text", { class: "small", x: 0, y: height + 11 }, "position 0"), element("text", { class: "small", x: width, y: height + 11, "text-anchor": "end" }, String(last)),
    ],
  };
}
