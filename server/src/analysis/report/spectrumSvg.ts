/** @file Importance of the features of one layer as bars on a logarithmic scale. */

import type { LayerSummary } from "../../protocol/result";

const size = { width: 240, height: 28 };

/** Bars drawn; more would be thinner than a pixel. */
const most = 120;

/** Orders of magnitude below the largest feature that still show. */
const decades = 6;

export function spectrumSvg({ name, lambda }: LayerSummary): string {
  // The constant is no feature of the data.
  const values = lambda.slice(1, 1 + most);
  const largest = values[0] ?? 0;
  if (!(largest > 0)) return "";
  const step = size.width / values.length;
  const bars = values.map((value, i) => {
    const height = size.height * Math.max(0.03, 1 + Math.log10(Math.max(value, Number.MIN_VALUE) / largest) / decades);
    return `<rect class="bar" x="${(i * step).toFixed(1)}" y="${(size.height - height).toFixed(1)}" width="${Math.max(0.5, step - 0.8).toFixed(1)}" height="${height.toFixed(1)}"/>`;
  });
  return `<svg role="img" aria-label="Spectrum of ${name.replace(/[&<>"']/g, "")}" width="${size.width}" height="${size.height}">${bars.join("")}</svg>`;
}
