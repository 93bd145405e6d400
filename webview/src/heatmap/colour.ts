/**
 * @file Diverging colours: zero is the editor's background in every theme, positive is blue, negative is orange,
 * interpolated in OKLab so that equal steps look equal. Blue against orange stays apart in all common colour blindness.
 */

import type { Rgb } from "../../../server/src/figures/look";
import type { Theme } from "../shared/theme";

/** Entries from -1 to +1; the middle one is exactly zero. */
export const tableSize = 511;

interface Ends { middle: Rgb; positive: Rgb[]; negative: Rgb[] }

function ends(theme: Theme, background: Rgb): Ends {
  return theme.light
    ? { middle: background, positive: [[120, 178, 228], [24, 98, 174], [6, 40, 88]], negative: [[246, 170, 116], [206, 82, 22], [98, 30, 6]] }
    : { middle: background, positive: [[34, 84, 138], [84, 166, 240], [190, 224, 255]], negative: [[138, 62, 26], [240, 132, 72], [255, 212, 176]] };
}

/** One 32-bit pixel (little-endian RGBA) for each table entry. */
export function colourTable(theme: Theme, background: Rgb): Uint32Array {
  const { middle, positive, negative } = ends(theme, background);
  const table = new Uint32Array(tableSize);
  const half = (tableSize - 1) / 2;
  for (let at = 0; at < tableSize; at++) {
    const value = (at - half) / half;
    const [red, green, blue] = along([middle, ...(value < 0 ? negative : positive)], Math.abs(value));
    table[at] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return table;
}

/** CSS colour of a table entry. */
export const cssColour = (pixel: number): string => `rgb(${pixel & 255},${(pixel >> 8) & 255},${(pixel >> 16) & 255})`;

function along(stops: readonly Rgb[], share: number): Rgb {
  const place = share * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const a = toLab(stops[index]!);
  const b = toLab(stops[index + 1]!);
  const mix = place - index;
  return fromLab([a[0] + (b[0] - a[0]) * mix, a[1] + (b[1] - a[1]) * mix, a[2] + (b[2] - a[2]) * mix]);
}

type Lab = readonly [number, number, number];

const toLinear = (value: number): number => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
const fromLinear = (value: number): number => Math.round(255 * Math.min(1, Math.max(0, value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055)));

/** OKLab of an sRGB colour (Ottosson 2020). */
function toLab(colour: Rgb): Lab {
  const [r, g, b] = colour.map(toLinear) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromLab([L, a, b]: Lab): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    fromLinear(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    fromLinear(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    fromLinear(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** "#1f1f1f" or "rgb(31, 31, 31)"; the fallback for anything else. */
export function parseColour(text: string, fallback: Rgb): Rgb {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(text);
  if (hex !== null) return [parseInt(hex[1]!, 16), parseInt(hex[2]!, 16), parseInt(hex[3]!, 16)];
  const decimal = /^rgba?\(\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)/.exec(text);
  return decimal === null ? fallback : [Number(decimal[1]), Number(decimal[2]), Number(decimal[3])];
}
