/** @file The Table tab: layers, features and edges in native tables, sorted and paged. */

import { computed, effect, signal } from "@preact/signals-core";
import type { Value } from "../../../server/src/figures/drawing";
import { basisChoices } from "../graph/bases";
import type { GraphStore } from "../graph/store";
import { button, checkbox, dropdown, setDisabled, textField } from "../shared/controls";
import { setGraph, type ViewContext } from "../shared/context";
import { element, setText } from "../shared/dom";
import { csv, sendExport, textBytes } from "../shared/exports";
import { baseName, count, number, percent, plural } from "../shared/format";
import type { ModuleStore } from "../shared/modules";
import type { NodeName } from "../shared/savedState";
import { edgeTable, featureTable, filtered, layerTable, sorted, type Row } from "./rows";

type Kind = "layers" | "features" | "edges";

const pageSize = 100;
const shareColumn = /^Share/;

/** @param open shows a feature in the graph. */
export function tableView(context: ViewContext, store: GraphStore, modules: ModuleStore, open: (name: NodeName) => void): HTMLElement {
  const kind = signal<Kind>("features");
  const sort = signal<{ column: number; descending: boolean } | null>(null);
  const query = signal("");
  const page = signal(0);
  const allEdges = signal(false);

  const { complete: graph, basis, above } = store;
  const table = computed(() => {
    if (kind.value === "layers") return layerTable(graph.value);
    if (kind.value === "features") return featureTable(graph.value, basis.value === "neuron" ? null : modules.numbers.value?.layers ?? null);
    return edgeTable(graph.value, allEdges.value ? graph.value.sections.map((section) => section.weight.length) : above.value);
  });
  const rows = computed(() => {
    const found = filtered(table.value.rows, query.value);
    return sort.value === null ? found : sorted(found, sort.value.column, sort.value.descending);
  });
  const pages = computed(() => Math.max(1, Math.ceil(rows.value.length / pageSize)));

  const which = dropdown("Show", [
    { value: "layers", label: "Layers" }, { value: "features", label: "Features" }, { value: "edges", label: "Edges" },
  ], "features", (value) => { kind.value = value as Kind; sort.value = null; page.value = 0; });
  const basisChoice = dropdown("Basis", basisChoices, "lib", (value) => setGraph(context, { basis: value, threshold: null, selection: null, pinned: [] }));
  const every = checkbox("Below the threshold too", false, (on) => { allEdges.value = on; page.value = 0; });
  const find = textField("Filter rows", { placeholder: "Filter: fc1 f3", size: 16, onInput: (value) => { query.value = value; page.value = 0; } });
  const asCsv = (): string => csv(table.value.columns.map((column) => column.title), rows.value.map((row) => row.map((value) => value ?? "")));
  const copy = button("Copy", () => {
    void navigator.clipboard.writeText(asCsv()).then(() => context.say(`${plural(rows.value.length, "row")} copied.`), () => context.fail("The clipboard is not available: use CSV."));
  }, { title: "Copy the rows as comma-separated values" });
  const save = button("CSV", () => {
    const data = context.data.value;
    sendExport(context.endpoint, `${baseName(data.model).replace(/\.[^.]+$/, "")}-${basis.value}-${kind.value}`, "csv", textBytes(asCsv()));
  }, { title: "Save the rows as comma-separated values" });
  const previous = button("Previous", () => { page.value = Math.max(0, page.value - 1); });
  const next = button("Next", () => { page.value = Math.min(pages.value - 1, page.value + 1); });
  const position = element("span", { class: "amount", attributes: { role: "status" } });
  const box = element("div", { class: "table-box", attributes: { tabindex: 0, role: "region", "aria-label": "Table" } });
  const node = element("section", { class: "view table-view" },
    element("div", { class: "toolbar", attributes: { role: "group", "aria-label": "Table" } },
      which.node, basisChoice.node, find.node, every.node, element("span", { class: "field end" }, position, previous, next, copy, save)),
    box);

  const cell = (value: Value, column: number): string => {
    if (value === null) return "–";
    if (typeof value === "string") return value;
    const { title } = table.value.columns[column]!;
    return shareColumn.test(title) ? percent(value) : Number.isInteger(value) ? count(value) : number(value);
  };
  const openable = (row: Row, column: number): NodeName | null => {
    const at = kind.value === "features" && column === 1 ? [0, 1] : kind.value === "edges" && (column === 1 || column === 3) ? [column - 1, column] : null;
    if (at === null) return null;
    const name = String(row[at[1]!]);
    return { layer: String(row[at[0]!]), feature: name === "constant" ? 0 : Number(name.slice(1)) };
  };

  effect(() => {
    const { columns } = table.value;
    const order = sort.value;
    const head = columns.map((column, index) => {
      const direction = order?.column === index ? (order.descending ? "descending" : "ascending") : null;
      const toggle = (): void => { sort.value = { column: index, descending: order?.column === index ? !order.descending : column.numeric }; page.value = 0; };
      return element("th", { class: column.numeric ? "numeric" : "", attributes: { scope: "col", "aria-sort": direction } },
        element("button", { attributes: { type: "button" }, on: { click: toggle } }, column.title, element("span", { class: "sort-mark", attributes: { "aria-hidden": "true" } }, direction === null ? "" : direction === "descending" ? " ↓" : " ↑")));
    });
    const first = Math.min(page.value, pages.value - 1) * pageSize;
    const body = rows.value.slice(first, first + pageSize).map((row) => element("tr", {}, ...row.map((value, index) => {
      const name = openable(row, index);
      const content = cell(value, index);
      return element("td", { class: columns[index]!.numeric ? "numeric" : "" },
        name === null ? content : element("button", { class: "link", attributes: { type: "button", title: "Show in the graph" }, on: { click: () => open(name) } }, content));
    })));
    box.replaceChildren(rows.value.length === 0
      ? element("p", { class: "empty" }, query.value === "" ? "Nothing is known yet." : "No row contains these words.")
      : element("table", {}, element("caption", { class: "visually-hidden" }, `${kind.value}, ${plural(rows.value.length, "row")}`), element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body)));
    setText(position, rows.value.length === 0 ? "" : `${count(first + 1)}–${count(Math.min(rows.value.length, first + pageSize))} of ${count(rows.value.length)}`);
    setDisabled(previous, first === 0);
    setDisabled(next, first + pageSize >= rows.value.length);
    every.node.hidden = kind.value !== "edges";
  });
  effect(() => basisChoice.set(basis.value));

  return node;
}
