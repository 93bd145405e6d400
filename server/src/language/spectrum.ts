/** @file The small picture of a spectrum: block characters everywhere, an SVG where the client draws one. */

const blocks = "▁▂▃▄▅▆▇█";
const decades = 4;
const maxBars = 40;

/** Heights in 0..1 on a logarithmic scale over four decades below the largest value. */
function heights(values: readonly number[]): number[] {
  const largest = Math.max(...values, 0);
  if (largest <= 0) return [];
  return values.slice(0, maxBars).map((value) => (
    value <= 0 ? 0 : Math.max(0, 1 + Math.log10(value / largest) / decades)
  ));
}

/** One character per value, strongest first. */
export function sparkline(values: readonly number[]): string {
  return heights(values).map((height) => blocks[Math.min(blocks.length - 1, Math.floor(height * blocks.length))]).join("");
}

const barWidth = 5;
const gap = 1;
const pictureHeight = 32;

/**
 * A bar per value as a data URI. The colour is one that reads on light and dark backgrounds, because a picture in a hover
 * cannot know the theme.
 */
export function spectrumImage(values: readonly number[]): string | null {
  const bars = heights(values);
  if (bars.length === 0) return null;
  const width = bars.length * (barWidth + gap) - gap;
  const rectangles = bars.map((height, i) => {
    const size = Math.max(1, Math.round(height * pictureHeight));
    return `<rect x="${i * (barWidth + gap)}" y="${pictureHeight - size}" width="${barWidth}" height="${size}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${pictureHeight}" fill="#3b8eea">${rectangles.join("")}</svg>`;
  return `data:image/svg+xml;base64,${Buffer.from(svg, "utf8").toString("base64")}`;
}
