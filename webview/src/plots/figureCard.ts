/** @file One figure on screen: its drawing, its table twin, and its export. */

import { svgFile, type Drawing, type Table, type Value } from "../../../server/src/figures/drawing";
import { element, setText } from "../shared/dom";
import { drawingElement, lookOf } from "../shared/drawing";
import { canvasBytes, csv, sendExport, textBytes } from "../shared/exports";
import type { Endpoint } from "../shared/endpoint";
import { count, number, percent, plural } from "../shared/format";
import { menuButton } from "../shared/menu";
import type { Theme } from "../shared/theme";

export interface Card {
  node: HTMLElement;
  /** @param drawing null hides the card. */
  show(drawing: Drawing | null): void;
}

/** Cards so far: their titles have names of their own in the page. */
let cards = 0;

/** Rows of a table that are put on the page; a file has them all. */
const rowLimit = 500;
const shareColumn = /^(Share|Score)/;

/** @param controls stand beside the title. @param model names the exported files. */
export function figureCard(endpoint: Endpoint, model: () => string, theme: () => Theme, fail: (message: string) => void, controls: readonly HTMLElement[] = []): Card {
  const title = element("h2", { attributes: { id: `figure-title-${++cards}` } });
  const hint = element("p", { class: "hint" });
  const stage = element("div", { class: "chart-stage" });
  const tableBox = element("div", { class: "chart-table" });
  const summary = element("summary", {}, "Table");
  const details = element("details", {}, summary, tableBox);
  let current: Drawing | null = null;

  const save = async (format: "svg" | "png" | "csv"): Promise<void> => {
    if (current === null) return;
    try {
      sendExport(endpoint, `${model()}-${current.id}`, format, format === "png" ? await pngBytes(current, theme()) : textBytes(format === "svg" ? svgFile(current) : tableText(current.table)));
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
  };
  const menu = menuButton("Export", () => [
    { label: "SVG drawing", run: () => void save("svg") },
    { label: "PNG picture", run: () => void save("png") },
    { label: "CSV table", run: () => void save("csv") },
  ]);
  const node = element("figure", { class: "card", attributes: { "aria-labelledby": title.id } },
    element("figcaption", { class: "card-head" }, element("div", { class: "card-titles" }, title, hint), element("span", { class: "field end" }, ...controls, menu.node)),
    stage, details);
  const fillTable = (): void => { if (details.open && current !== null) tableBox.replaceChildren(...tableNodes(current)); };
  details.addEventListener("toggle", fillTable);

  return {
    node,
    show(drawing) {
      node.hidden = drawing === null;
      if (drawing === null) return;
      current = drawing;
      setText(title, drawing.title);
      menu.name(`Export ${drawing.title}`);
      setText(hint, drawing.hint);
      setText(summary, `Table, ${plural(drawing.table.rows.length, "row")}`);
      stage.replaceChildren(drawingElement(drawing, `${drawing.title}. ${drawing.hint} The table below has the numbers.`));
      fillTable();
    },
  };
}

const tableText = ({ columns, rows }: Table): string => csv(columns.map(({ title }) => title), rows.map((row) => row.map((value) => value ?? "")));

/** As it is on screen, twice as fine. */
async function pngBytes(drawing: Drawing, theme: Theme): Promise<Uint8Array> {
  const scale = 2;
  const url = URL.createObjectURL(new Blob([svgFile(drawing, lookOf(theme))], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * scale;
    canvas.height = image.naturalHeight * scale;
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await canvasBytes(canvas);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function tableNodes({ title, table: { columns, rows } }: Drawing): HTMLElement[] {
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
