/** @file A figure: what is drawn, the words around it, and the same numbers as a table. */

import { darkLook, lightLook, rules, type Look } from "./look";
import { element, shift, svgText, textWidth, type Mark } from "./mark";

export type Value = string | number | null;
export interface Column { readonly title: string; readonly numeric: boolean }
export interface Table { readonly columns: readonly Column[]; readonly rows: readonly (readonly Value[])[] }

export const textColumn = (title: string): Column => ({ title, numeric: false });
export const numberColumn = (title: string): Column => ({ title, numeric: true });

/** Marks with the size of the paper that they need, in pixels. */
export interface Picture { readonly width: number; readonly height: number; readonly marks: readonly Mark[] }

export interface Drawing extends Picture {
  /** Part of the file name of an export. */
  readonly id: string;
  readonly title: string;
  readonly hint: string;
  readonly table: Table;
}

/** Width of the paper of a file, in pixels. */
export const fileWidth = 1232;

const margin = 16;
const line = 16;
/** A narrow figure is widened to this, so that its hint can be read. */
const narrowest = 480;

/**
 * A complete SVG file: title, hint, drawing.
 * @param look of a picture that is made at once; without it the file suits light and dark surroundings.
 */
export function svgFile({ title, hint, width, height, marks }: Drawing, look?: Look): string {
  const wide = Math.ceil(Math.max(width, textWidth(title, 14), Math.min(textWidth(hint), narrowest)) + 2 * margin);
  const lines = wrapped(hint, wide - 2 * margin);
  const header = 36 + lines.length * line;
  const high = Math.ceil(header + height + margin);
  const style = look === undefined ? `${rules(lightLook)}@media(prefers-color-scheme:dark){${rules(darkLook)}}` : rules(look);
  const root = element("svg", { xmlns: "http://www.w3.org/2000/svg", width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img" }, [
    element("title", {}, hint === "" ? title : `${title}. ${hint}`), element("style", {}, style), element("rect", { class: "paper", width: wide, height: high }),
    element("text", { class: "strong title", x: margin, y: 22 }, title),
    ...lines.map((words, k) => element("text", { x: margin, y: 40 + k * line }, words)),
    shift(margin, header, marks),
  ]);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${svgText(root)}\n`;
}

/** The drawing alone, for a page that has the words around it and the rules of the classes. */
export function svgPicture({ title, width, height, marks }: Drawing): string {
  const [wide, high] = [Math.ceil(width), Math.ceil(height)];
  return svgText(element("svg", { width: wide, height: high, viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": title }, marks));
}

/** A sentence on as many lines as it takes. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || textWidth(`${last} ${word}`) > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
