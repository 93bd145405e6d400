/** @file The few strokes that a graph needs, on a canvas or into an SVG text, so that a picture is written once. */

import { escapeXml } from "../shared/exports";

/** Compared by identity: the painter makes one per look, not one per edge. */
export interface Stroke { colour: string; width: number; dashed: boolean }
export interface Lettering { colour: string; size: number; align: "left" | "center" | "right"; bold?: boolean; halo?: string }

export interface Pen {
  curve(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void;
  circle(x: number, y: number, radius: number, fill: string | null, outline: Stroke | null): void;
  rectangle(x: number, y: number, width: number, height: number, fill: string): void;
  line(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void;
  text(text: string, x: number, y: number, lettering: Lettering): void;
}

export class CanvasPen implements Pen {
  private current: Stroke | null = null;

  constructor(readonly context: CanvasRenderingContext2D, private readonly font: string) {
    context.textBaseline = "middle";
    context.lineCap = "round";
  }

  curve(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void {
    const { context } = this;
    this.apply(stroke);
    const middle = (x0 + x1) / 2;
    context.beginPath();
    context.moveTo(x0, y0);
    context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
    context.stroke();
  }

  circle(x: number, y: number, radius: number, fill: string | null, outline: Stroke | null): void {
    const { context } = this;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    if (fill !== null) { context.fillStyle = fill; context.fill(); }
    if (outline !== null) { this.apply(outline); context.stroke(); }
  }

  rectangle(x: number, y: number, width: number, height: number, fill: string): void {
    this.context.fillStyle = fill;
    this.context.fillRect(x, y, width, height);
  }

  line(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void {
    this.apply(stroke);
    this.context.beginPath();
    this.context.moveTo(x0, y0);
    this.context.lineTo(x1, y1);
    this.context.stroke();
  }

  text(text: string, x: number, y: number, { colour, size, align, bold, halo }: Lettering): void {
    const { context } = this;
    context.font = `${bold ? "600 " : ""}${size}px ${this.font}`;
    context.textAlign = align;
    if (halo !== undefined) {
      this.apply({ colour: halo, width: 3, dashed: false });
      context.lineJoin = "round";
      context.strokeText(text, x, y);
    }
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  private apply(stroke: Stroke): void {
    if (this.current === stroke) return;
    this.current = stroke;
    this.context.strokeStyle = stroke.colour;
    this.context.lineWidth = stroke.width;
    this.context.setLineDash(stroke.dashed ? [5, 3] : []);
  }
}

export class SvgPen implements Pen {
  private readonly parts: string[] = [];

  constructor(private readonly font: string) {}

  curve(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void {
    const middle = fixed((x0 + x1) / 2);
    this.parts.push(`<path d="M${fixed(x0)} ${fixed(y0)}C${middle} ${fixed(y0)} ${middle} ${fixed(y1)} ${fixed(x1)} ${fixed(y1)}" fill="none" ${strokeText(stroke)}/>`);
  }

  circle(x: number, y: number, radius: number, fill: string | null, outline: Stroke | null): void {
    this.parts.push(`<circle cx="${fixed(x)}" cy="${fixed(y)}" r="${fixed(radius)}" fill="${fill ?? "none"}" ${outline === null ? "" : strokeText(outline)}/>`);
  }

  rectangle(x: number, y: number, width: number, height: number, fill: string): void {
    this.parts.push(`<rect x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}" fill="${fill}"/>`);
  }

  line(x0: number, y0: number, x1: number, y1: number, stroke: Stroke): void {
    this.parts.push(`<line x1="${fixed(x0)}" y1="${fixed(y0)}" x2="${fixed(x1)}" y2="${fixed(y1)}" ${strokeText(stroke)}/>`);
  }

  text(text: string, x: number, y: number, { colour, size, align, bold }: Lettering): void {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    this.parts.push(`<text x="${fixed(x)}" y="${fixed(y)}" fill="${colour}" font-size="${size}" text-anchor="${anchor}" dominant-baseline="central"${bold ? ' font-weight="600"' : ""}>${escapeXml(text)}</text>`);
  }

  document(width: number, height: number, title: string): string {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${Math.ceil(height)}" viewBox="0 0 ${Math.ceil(width)} ${Math.ceil(height)}" font-family="${escapeXml(this.font)}">\n<title>${escapeXml(title)}</title>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}

const fixed = (value: number): string => String(Math.round(value * 100) / 100);
const strokeText = ({ colour, width, dashed }: Stroke): string =>
  `stroke="${colour}" stroke-width="${fixed(width)}" stroke-linecap="round"${dashed ? ' stroke-dasharray="5 3"' : ""}`;
