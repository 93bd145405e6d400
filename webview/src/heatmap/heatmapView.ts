/** @file The Jacobians tab: one section in several bases, side by side on one colour scale. */

import { computed, effect, signal } from "@preact/signals-core";
import type { BasisName } from "../../../server/src/protocol/result";
import { checkbox, dropdown, progressRing, textField } from "../shared/controls";
import { setHeatmap, type ViewContext } from "../shared/context";
import { element, moreButton, setText } from "../shared/dom";
import { canvasBytes, sendExport, textBytes } from "../shared/exports";
import { baseName, count, number, parseNumber, percent } from "../shared/format";
import { menuButton } from "../shared/menu";
import { logRange } from "../shared/range";
import type { HeatmapState } from "../shared/savedState";
import { colourTable, parseColour } from "./colour";
import { ColourBar } from "./colourBar";
import { clusteredOrder } from "./order";
import { Pane, type Cell } from "./pane";
import { heatmapCanvas, heatmapCsv, heatmapSvg } from "./picture";
import { pixelTable, spread, type Spread } from "./scale";
import { basisTitles, sectionMatrix, type SectionMatrix } from "./source";
import { whole, zoom, type Viewport } from "./viewport";

const bases: readonly BasisName[] = ["neuron", "pca", "lib"];

interface Loaded { section: number; statistic: HeatmapState["statistic"]; found: { source: SectionMatrix; spread: Spread }[] }

export function heatmapView(context: ViewContext): HTMLElement {
  const options = computed(() => context.state.value.heatmap);
  const sectionIndex = computed(() => options.value.section);
  const statistic = computed(() => options.value.statistic);
  const order = computed(() => options.value.order);
  const chosen = computed(() => options.value.bases.join(" "));
  const metadata = computed(() => context.data.value.metadata);
  const loaded = signal<Loaded | null>(null);
  const viewport = signal<Viewport>(whole);
  const pointed = signal<{ pane: Pane; cell: Cell } | null>(null);
  const shape = signal(0);

  const panes = computed(() => {
    const current = loaded.value;
    if (current === null) return [];
    const shown = chosen.value.split(" ");
    return current.found.filter(({ source }) => shown.includes(source.basis)).map(({ source, spread: numbers }) => {
      const orders = order.value === "clustered" ? clusteredOrder(source.matrix) : null;
      const pane = new Pane({ ...source, title: basisTitles[source.basis], orders }, { viewport: () => viewport.value, setViewport: (next) => { viewport.value = next; }, point, key });
      const cells = source.matrix.rows * source.matrix.cols;
      pane.caption.textContent = `${count(source.matrix.rows)} × ${count(source.matrix.cols)} · 90 % of |J| in ${percent(numbers.cellsForMost / cells)} of cells${numbers.notFinite > 0 ? ` · ${count(numbers.notFinite)} values are not numbers` : ""}`;
      return pane;
    });
  });
  const typical = computed(() => Math.max(0, ...(loaded.value?.found.map(({ spread: numbers }) => numbers.typical) ?? [])));
  const largest = computed(() => Math.max(0, ...(loaded.value?.found.map(({ spread: numbers }) => numbers.largest) ?? [])));
  const limit = computed(() => options.value.limit ?? (typical.value > 0 ? typical.value : 1));
  const colours = computed(() => {
    const theme = context.theme.value;
    return colourTable(theme, parseColour(theme.background, theme.light ? [255, 255, 255] : [31, 31, 31]));
  });

  const point = (pane: Pane, cell: Cell | null, spoken: boolean): void => {
    pointed.value = cell === null ? null : { pane, cell };
    if (cell !== null && spoken) context.say(`${pane.data.title}, ${pane.describe(cell)}: ${number(pane.value(cell))}`);
  };
  const key = (event: KeyboardEvent, pane: Pane): boolean => {
    const { rows, cols } = pane.data.matrix;
    const factor = ({ "+": 0.7, "=": 0.7, "-": 1 / 0.7 } as Record<string, number>)[event.key];
    if (factor !== undefined) {
      const { row, col } = pane.cell;
      const view = viewport.value;
      viewport.value = zoom(view, factor, ((col + 0.5) / cols - view.x) / view.width, ((row + 0.5) / rows - view.y) / view.height, rows, cols);
      return true;
    }
    if (event.key !== "0") return false;
    viewport.value = whole;
    return true;
  };

  const section = dropdown<string>("Section", [], "0", (value) => setHeatmap(context, { section: Number(value), limit: null }));
  const kind = dropdown("Value", [{ value: "mean", label: "Mean" }, { value: "rms", label: "Root mean square" }], "mean", (value) => setHeatmap(context, { statistic: value as "mean" | "rms", limit: null }));
  const ordered = dropdown("Order", [{ value: "importance", label: "As stored" }, { value: "clustered", label: "Clustered" }], "importance", (value) => setHeatmap(context, { order: value as "importance" | "clustered" }));
  const scale = dropdown("Scale", [{ value: "linear", label: "Linear" }, { value: "symlog", label: "Symlog" }], "linear", (value) => setHeatmap(context, { scale: value as "linear" | "symlog" }));
  const slider = logRange("Colour limit", (value) => `plus and minus ${number(value)}`, (value) => setHeatmap(context, { limit: value }));
  const typed = textField("Colour limit as a number", { size: 7, onCommit(text) {
    const value = parseNumber(text.replaceAll("\u202f", ""));
    setHeatmap(context, { limit: value !== null && value > 0 ? value : null });
  } });
  const toggles = bases.map((basis) => checkbox(basisTitles[basis], true, (on) => {
    const now = options.peek().bases;
    setHeatmap(context, { bases: bases.filter((other) => (other === basis ? on : now.includes(other))) });
  }));
  const bar = new ColourBar();
  const toolbar = element("div", { class: "toolbar", attributes: { role: "group", "aria-label": "Jacobians" } },
    section.node,
    element("span", { class: "secondary" }, kind.node, ordered.node, scale.node, element("span", { class: "field threshold" }, element("span", { class: "field-label", attributes: { "aria-hidden": "true" } }, "Limit ±"), typed.node, slider.node)),
    element("span", { class: "field", attributes: { role: "group", "aria-label": "Bases" } }, ...toggles.map((toggle) => toggle.node)),
    element("span", { class: "field end" }, moreButton(), bar.node, element("button", { class: "quiet", attributes: { type: "button", title: "Show everything (0)" }, on: { click: () => { viewport.value = whole; } } }, "Fit"), menuButton("Export", () => [
      { label: "PNG picture", run: () => void exportAs("png") },
      { label: "SVG drawing", run: () => void exportAs("svg") },
      { label: "CSV, all values", run: () => void exportAs("csv") },
    ]).node),
  );
  const stage = element("div", { class: "panes" });
  const status = element("p", { class: "status-line", attributes: { role: "status" } });
  const node = element("section", { class: "view heatmap-view" }, toolbar, stage, status);

  const exportAs = async (format: "png" | "svg" | "csv"): Promise<void> => {
    const data = context.data.value;
    const place = data.sections[sectionIndex.value];
    if (place === undefined || panes.value.length === 0) { context.fail("There is no Jacobian to export yet."); return; }
    const title = `${statistic.value === "mean" ? "Mean Jacobian" : "RMS Jacobian"}, ${place.from} → ${place.to}`;
    const name = `${baseName(data.model).replace(/\.[^.]+$/, "")}-jacobian-${place.from}-${place.to}`;
    const picture = { panes: panes.value, colours: colours.value, limit: limit.value, scale: options.value.scale, theme: context.theme.value, title };
    try {
      const bytes = format === "png" ? await canvasBytes(heatmapCanvas(picture)) : textBytes(format === "svg" ? heatmapSvg(picture) : heatmapCsv(panes.value));
      sendExport(context.endpoint, name, format, bytes);
    } catch (error) {
      context.fail(error instanceof Error ? error.message : String(error));
    }
  };

  const names = computed(() => context.data.value.sections);
  effect(() => {
    const slots = names.value;
    section.setChoices(slots.map((slot, index) => ({ value: String(index), label: `${slot.from} → ${slot.to}` })), String(Math.min(sectionIndex.peek(), Math.max(0, slots.length - 1))));
  });
  // Matrices are large: they are read when the tab is first opened.
  const visible = computed(() => context.state.value.tab === "jacobians");
  const jacobians = computed(() => context.data.value.jacobians);
  let asked = 0;
  /** The run whose Jacobians are drawn; null for those of a file. */
  let shownRun: string | null = null;
  effect(() => {
    if (!visible.value) return;
    const stored = metadata.value;
    const told = jacobians.value;
    const index = Math.min(sectionIndex.value, Math.max(1, names.value.length) - 1);
    const which = statistic.value;
    const request = ++asked;
    const data = context.data.peek();
    if (stored === null ? told === 0 : stored.sections.length === 0) {
      loaded.value = null;
      stage.replaceChildren(element("p", { class: "empty" }, data.status === "running" ? "The Jacobians come after the edges, one by one." : "This result has no section."));
      return;
    }
    // While a run fills the view in, and when its result comes, what is there stays until the next one is drawn.
    const shown = loaded.peek();
    const isThere = data.run !== null && data.run === shownRun && shown?.section === index && shown.statistic === which;
    if (stored !== null && !isThere) stage.replaceChildren(element("p", { class: "empty" }, progressRing("Reading the Jacobians"), "Reading the Jacobians…"));
    void Promise.all(bases.map((basis) => sectionMatrix(context.matrices, data, index, basis, which))).then((found) => {
      if (request !== asked) return;
      if (loaded.peek()?.section !== index) viewport.value = whole;
      shownRun = data.run;
      loaded.value = { section: index, statistic: which, found: found.flatMap((source) => (source === null ? [] : [{ source, spread: spread(source.matrix.values) }])) };
    }, (error: unknown) => {
      if (request === asked) stage.replaceChildren(element("p", { class: "empty" }, error instanceof Error ? error.message : String(error)));
    });
  });
  effect(() => {
    if (loaded.value === null) return;
    pointed.value = null;
    if (panes.value.length > 0) stage.replaceChildren(...panes.value.map((pane) => pane.node));
    else stage.replaceChildren(element("p", { class: "empty" }, loaded.value.found.length > 0 ? "Choose at least one basis." : metadata.peek() === null ? "Not computed yet, or too large to be shown before the run has ended." : "This result stores no Jacobian of this section: run the analysis again to see it."));
    shape.value = shape.peek() + 1;
  });
  effect(() => {
    void shape.value;
    const pixels = pixelTable(colours.value, limit.value, options.value.scale);
    for (const pane of panes.value) pane.draw(pixels, limit.value, context.theme.value, viewport.value, pointed.value?.pane === pane && document.activeElement === pane.canvas);
    stage.dataset["panes"] = String(panes.value.length);
  });
  effect(() => {
    const value = limit.value;
    bar.draw(colours.value, value, options.value.scale);
    slider.setEnds(Math.max(1e-12, largest.value * 1e-4), largest.value > 0 ? largest.value : 1);
    slider.set(value);
    typed.set(number(value));
    for (const [control, text] of [[kind, statistic.value], [ordered, order.value], [scale, options.value.scale]] as [{ set(value: string): void }, string][]) control.set(text);
    section.set(String(sectionIndex.value));
    toggles.forEach((toggle, index) => toggle.set(options.value.bases.includes(bases[index]!)));
  });
  effect(() => {
    const at = pointed.value;
    if (at !== null) { setText(status, `${at.pane.data.title} · ${at.pane.describe(at.cell)} · ${number(at.pane.value(at.cell))}`); return; }
    const place = names.value[sectionIndex.value];
    if (place === undefined || loaded.value === null) { setText(status, ""); return; }
    const beyond = limit.value < largest.value ? `, largest |J| is ${number(largest.value)}` : "";
    setText(status, `d ${place.to} / d ${place.from} · ${statistic.value === "mean" ? "mean" : "root mean square"} over the samples · constant left out · strongest cell per pixel when zoomed out${beyond}`);
  });

  new ResizeObserver(() => { if (stage.clientWidth > 0) shape.value = shape.peek() + 1; }).observe(stage);
  return node;
}
