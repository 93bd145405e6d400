/** @file Colours that tell modules apart on a canvas; they are those of the figures. */

import { hues, moduleColours, type Rgb } from "../../../server/src/figures/look";

export const moduleColour = (module: number, light: boolean): Rgb => (light ? moduleColours.light : moduleColours.dark)[module % hues]!;

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
