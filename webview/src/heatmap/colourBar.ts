/** @file The one colour scale of all panes. */

import { element } from "../shared/dom";
import { number } from "../shared/format";
import { cssColour, tableSize } from "./colour";
import { scaled, type ScaleKind } from "./scale";

export class ColourBar {
  private readonly canvas = element("canvas", { class: "colour-bar", attributes: { width: 160, height: 10, "aria-hidden": "true" } });
  private readonly low = element("span", {});
  private readonly high = element("span", {});
  readonly node = element("span", { class: "colour-scale" }, this.low, this.canvas, this.high);

  draw(colours: Uint32Array, limit: number, kind: ScaleKind): void {
    paintColourBar(this.canvas.getContext("2d")!, 0, 0, this.canvas.width, this.canvas.height, colours, limit, kind);
    this.low.textContent = `−${number(limit)}`;
    this.high.textContent = `+${number(limit)}`;
  }
}

export function paintColourBar(
  context: CanvasRenderingContext2D, left: number, top: number, width: number, height: number, colours: Uint32Array, limit: number, kind: ScaleKind,
): void {
  const half = (tableSize - 1) / 2;
  for (let x = 0; x < width; x++) {
    const value = (2 * (x + 0.5)) / width - 1;
    context.fillStyle = cssColour(colours[Math.round(half + half * scaled(value * limit, limit, kind))]!);
    context.fillRect(left + x, top, 1, height);
  }
}
