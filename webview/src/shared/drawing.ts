/** @file Drawings of the figures room as elements, in the colours of the editor's theme. */

import { effect, type ReadonlySignal } from "@preact/signals-core";
import type { Picture } from "../../../server/src/figures/drawing";
import { darkLook, lightLook, rules, type Look } from "../../../server/src/figures/look";
import { attributeText, type Mark } from "../../../server/src/figures/mark";
import { svg } from "./dom";
import type { Theme } from "./theme";

/** What a drawing looks like in this theme: paper and texts are the editor's, colours of data those for light or dark paper. */
export function lookOf({ light, highContrast, background, foreground, muted, line, font }: Theme): Look {
  const look = light ? lightLook : darkLook;
  return { ...look, font, paper: background, text: muted, strong: foreground, axis: highContrast ? foreground : look.axis, grid: highContrast ? `color-mix(in srgb, ${line} 35%, transparent)` : look.grid, faint: highContrast ? line : look.faint };
}

/** Keeps the style rules of drawings in step with the theme. A constructed sheet needs no leave of the content security policy. */
export function styleDrawings(theme: ReadonlySignal<Theme>): void {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  effect(() => sheet.replaceSync(rules(lookOf(theme.value), ".drawing ")));
}

/** @param label what a screen reader says of it: not the ticks one by one, nor every mark */
export function drawingElement({ width, height, marks }: Picture, label: string): SVGElement {
  const [wide, high] = [Math.ceil(width), Math.ceil(height)];
  return svg("svg", { class: "drawing", width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": label }, svg("g", { "aria-hidden": "true" }, ...marks.map(markElement)));
}

function markElement({ name, attributes, children }: Mark): SVGElement {
  const node = svg(name, Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attributeText(value)])));
  if (typeof children === "string") node.textContent = children;
  else node.append(...children.map(markElement));
  return node;
}
