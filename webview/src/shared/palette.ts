/**
 * @file Colours that tell modules apart, after Okabe and Ito without black; made lighter or darker where the original has less than
 * 3:1 against the background. More than seven cannot be told apart by hue: later rounds differ in the shape of the mark, and the
 * number of a module always stands beside it as text.
 */

import type { Rgb } from "./theme";

const onDark: readonly Rgb[] = [[230, 159, 0], [86, 180, 233], [0, 178, 132], [240, 228, 66], [92, 140, 255], [236, 108, 40], [214, 130, 176]];
const onLight: readonly Rgb[] = [[166, 106, 0], [28, 122, 178], [0, 124, 90], [128, 116, 0], [0, 84, 150], [190, 74, 0], [164, 76, 124]];

export const hues = onDark.length;

export const moduleColour = (module: number, light: boolean): Rgb => (light ? onLight : onDark)[module % hues]!;

/** 0: filled, 1: filled with a rim, 2: a ring. */
export const moduleShape = (module: number): 0 | 1 | 2 => (Math.floor(module / hues) % 3) as 0 | 1 | 2;

/** Contrast of two colours as WCAG 2 defines it, 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
