/** @file SVG as text: elements, numbers, and the look that all figures share in light and dark surroundings. */

import { escape } from "../report/html";

type Attributes = Record<string, string | number>;

/** One element; attribute values and text are escaped, children are elements already. */
export function element(name: string, attributes: Attributes, children: readonly string[] | string = []): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(typeof value === "number" ? rounded(value) : value)}"`).join("");
  const inside = typeof children === "string" ? escape(children) : children.join("");
  return inside === "" ? `<${name}${list}/>` : `<${name}${list}>${inside}</${name}>`;
}

/** Coordinates to a hundredth of a pixel. */
export function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Points joined by straight lines. */
export function path(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], k) => `${k === 0 ? "M" : "L"}${rounded(x)} ${rounded(y)}`).join("");
}

/** Colours that stay apart for most kinds of colour vision (Okabe and Ito 2008), darker on white and lighter on black. */
const light = ["#0068b3", "#c2500a", "#00805e", "#a3457c", "#8a6a00", "#3d8fc4", "#5b5b5b", "#7a3fb0"];
const dark = ["#5ab4ee", "#f08a4b", "#3ec79f", "#e08dbb", "#e3c04b", "#9ad2f2", "#b0b0b0", "#bb8fe6"];
export const colours = light.length;

const colourRules = (list: readonly string[]): string => list.map((colour, k) => `.s${k}{stroke:${colour}}.f${k}{fill:${colour}}`).join("");

const style = [
  "text{font:11px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#3b4148}.strong{font-weight:600;fill:#1f2328}.title{font-size:14px}.small{font-size:9.5px}.halo{paint-order:stroke;stroke:#fff;stroke-width:2.5px}",
  ".paper{fill:#fff}.axis{stroke:#8a9199;fill:none}.grid{stroke:#e4e7ea;fill:none}.dashed{stroke:#6e767e;stroke-dasharray:4 3;fill:none}.faint{fill:#d5d9dd}.line{fill:none}.outline{stroke:#fff}.box{fill:none;stroke:#8a9199}",
  colourRules(light),
  "@media(prefers-color-scheme:dark){text{fill:#b6bec6}.strong{fill:#e6edf3}.paper{fill:#14171b}.axis{stroke:#747c85}.grid{stroke:#2b3138}.dashed{stroke:#98a1aa}.faint{fill:#343b43}.outline,.halo{stroke:#14171b}.box{stroke:#747c85}",
  colourRules(dark), "}",
].join("");

/** A complete file. @param description for readers of screens */
export function document(width: number, height: number, description: string, children: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("svg", {
    xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${rounded(width)} ${rounded(height)}`, role: "img",
  }, [element("title", {}, description), `<style>${style}</style>`, element("rect", { class: "paper", width, height }), ...children])}\n`;
}

/** Width of a text in pixels, roughly: enough to keep texts apart. */
export function textWidth(text: string, size = 11): number {
  return text.length * size * 0.58;
}

/** A text of at most `width` pixels, shortened in the middle. */
export function fitted(text: string, width: number, size = 11): string {
  const most = Math.max(4, Math.floor(width / (size * 0.58)));
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}
