/** @file One figure on screen: its drawing, its table twin, and its export. */

import { element, setText, svg } from "../shared/dom";
import { canvasBytes, csv, sendExport, textBytes } from "../shared/exports";
import type { Endpoint } from "../shared/endpoint";
import { count, number, percent, plural } from "../shared/format";
import { menuButton } from "../shared/menu";
import type { Theme } from "../shared/theme";
import type { Table, Value } from "../table/rows";

export interface Drawing { width: number; height: number; parts: readonly SVGElement[] }

export interface CardContent {
  id: string;
  title: string;
  hint: string;
  draw(width: number, theme: Theme): Drawing;
  table: Table;
}

export interface Card {
  node: HTMLElement;
  show(content: CardContent | null, width: number, theme: Theme): void;
}

/** Rows of a table that are put on the page; a file has them all. */
const rowLimit = 500;
const shareColumn = /^(Share|Score)/;

/** @param controls stand beside the title. @param model names the exported files. */
export function figureCard(endpoint: Endpoint, model: () => string, fail: (message: string) => void, controls: readonly HTMLElement[] = []): Card {
  const title = element("h2", {});
  const hint = element("p", { class: "hint" });
  const stage = element("div", { class: "chart-stage" });
  const tableBox = element("div", { class: "chart-table" });
  const summary = element("summary", {}, "Table");
  const details = element("details", {}, summary, tableBox);
  let current: { content: CardContent; theme: Theme; drawing: Drawing } | null = null;

  const name = (): string => `${model()}-${current!.content.id}`;
  const drawing = (): SVGElement => document_(current!.drawing, current!.theme, current!.content.title, true);
  const save = async (format: "svg" | "png" | "csv"): Promise<void> => {
    if (current === null) return;
    try {
      const { table } = current.content;
      const bytes = format === "csv" ? textBytes(csv(table.columns.map((column) => column.title), table.rows.map((row) => row.map((value) => value ?? ""))))
        : format === "svg" ? textBytes(new XMLSerializer().serializeToString(drawing())) : await pngBytes(drawing(), current.drawing);
      sendExport(endpoint, name(), format, bytes);
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  };
  const menu = menuButton("Export", () => [
    { label: "SVG drawing", run: () => void save("svg") },
    { label: "PNG picture", run: () => void save("png") },
    { label: "CSV table", run: () => void save("csv") },
  ]);
  const node = element("figure", { class: "card" },
    element("figcaption", { class: "card-head" }, element("div", { class: "card-titles" }, title, hint), element("span", { class: "field end" }, ...controls, menu)),
    stage, details);
  const fillTable = (): void => { if (details.open && current !== null) tableBox.replaceChildren(...tableNodes(current.content)); };
  details.addEventListener("toggle", fillTable);

  return {
    node,
    show(content, width, theme) {
      node.hidden = content === null;
      if (content === null || width <= 0) return;
      current = { content, theme, drawing: content.draw(width, theme) };
      setText(title, content.title);
      setText(hint, content.hint);
      setText(summary, `Table, ${plural(content.table.rows.length, "row")}`);
      stage.replaceChildren(document_(current.drawing, theme, content.title, false));
      fillTable();
    },
  };
}

/** @param whole with a background and a font, to stand alone. */
function document_({ width, height, parts }: Drawing, theme: Theme, title: string, whole: boolean): SVGElement {
  const root = svg("svg", { width: Math.ceil(width), height: Math.ceil(height), viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`, role: "img", "aria-label": `${title}. The table below has the numbers.` });
  root.setAttribute("font-family", theme.font);
  if (whole) root.append(svg("rect", { width: "100%", height: "100%", fill: theme.background }));
  root.append(...parts.map((part) => (whole ? part.cloneNode(true) : part)));
  return root;
}

async function pngBytes(root: SVGElement, { width, height }: Drawing): Promise<Uint8Array> {
  const scale = 2;
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(root)], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.ceil(width) * scale;
    canvas.height = Math.ceil(height) * scale;
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvasBytes(canvas);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function tableNodes({ title, table: { columns, rows } }: CardContent): HTMLElement[] {
  const cell = (value: Value, column: number): string => {
    if (value === null) return "–";
    if (typeof value === "string") return value;
    return shareColumn.test(columns[column]!.title) && value <= 1 ? percent(value) : Number.isInteger(value) ? count(value) : number(value);
  };
  const head = element("tr", {}, ...columns.map((column) => element("th", { class: column.numeric ? "numeric" : "", attributes: { scope: "col" } }, column.title)));
  const body = rows.slice(0, rowLimit).map((row) => element("tr", {}, ...row.map((value, index) => element("td", { class: columns[index]!.numeric ? "numeric" : "" }, cell(value, index)))));
  const table = element("table", {}, element("caption", { class: "visually-hidden" }, title), element("thead", {}, head), element("tbody", {}, ...body));
  const scroll = element("div", { class: "chart-rows", attributes: { tabindex: 0, role: "region", "aria-label": `${title}, table` } }, table);
  return rows.length > rowLimit ? [scroll, element("p", { class: "hint" }, `The first ${count(rowLimit)} of ${count(rows.length)} rows; the CSV has all.`)] : [scroll];
}
