/** @file The Plots tab: spectra, what an ablation found, and modules. */

import { computed, effect, signal } from "@preact/signals-core";
import { button, setDisabled } from "../shared/controls";
import type { ViewContext } from "../shared/context";
import { element, setText, svg } from "../shared/dom";
import { baseName } from "../shared/format";
import { describeModules, resolutionSlider, type ModuleStore } from "../shared/modules";
import type { Theme } from "../shared/theme";
import { barsHeight, drawBars, drawChart, drawLegend } from "./chart";
import { figureCard, type CardContent, type Drawing } from "./figureCard";
import { needed, scoreCurves, spectra, type Figure } from "./figures";
import { drawPiano, pianoHeight, pianoTable } from "./piano";

/** Width at which a chart of a figure with several of them is easy to read. */
const chartWidth = 340;
const chartHeight = 220;
const legendHeight = 26;
const widestBars = 620;

export function plotsView(context: ViewContext, modules: ModuleStore): HTMLElement {
  const width = signal(0);
  const model = (): string => baseName(context.data.peek().model).replace(/\.[^.]+$/, "");
  const layers = computed(() => context.data.value.layers);
  const metadata = computed(() => context.data.value.metadata);
  const card = (controls: HTMLElement[] = []): ReturnType<typeof figureCard> => figureCard(context.endpoint, model, context.fail, controls);
  const cards = { spectra: card(), features: card(), edges: card(), featuresNeeded: card(), edgesRequired: card(), piano: card([resolutionSlider(context, modules)]) };

  const ablate = button("Ablate…", () => context.endpoint.send({ kind: "action", action: "ablate" }), { title: "Measure the score with only some features or edges" });
  const note = element("p", { class: "hint", attributes: { role: "status" } });
  const list = element("div", { class: "plots", attributes: { tabindex: 0, role: "region", "aria-label": "Plots" } },
    ...[cards.spectra, cards.features, cards.featuresNeeded, cards.edges, cards.edgesRequired, cards.piano].map(({ node }) => node));
  const node = element("section", { class: "view plots-view" },
    element("div", { class: "toolbar", attributes: { role: "group", "aria-label": "Plots" } }, ablate, note), list);

  effect(() => {
    const { charts, ...rest } = spectra({ layers: layers.value, metadata: metadata.value }, context.theme.value);
    cards.spectra.show(charts.length === 0 ? null : content({ charts, ...rest }), width.value, context.theme.value);
  });
  effect(() => {
    const [data, curves, theme] = [{ layers: layers.value }, context.curves.value, context.theme.value];
    const shown: [typeof cards.edges, Figure][] = [
      [cards.features, scoreCurves("nodes", data, curves, theme)], [cards.featuresNeeded, needed("nodes", data, curves, theme)],
      [cards.edges, scoreCurves("edges", data, curves, theme)], [cards.edgesRequired, needed("edges", data, curves, theme)],
    ];
    for (const [target, figure] of shown) target.show(figure.table.rows.length === 0 ? null : content(figure), width.value, theme);
  });
  effect(() => {
    const numbers = modules.numbers.value;
    const names = layers.value.map(({ name }) => name);
    cards.piano.show(numbers === null ? null : {
      id: "modules", title: "Modules", hint: `A key per feature, coloured by module; ${describeModules(modules)}. Grey: in no module.`,
      draw: (wide, theme) => ({ width: wide, height: pianoHeight(numbers), parts: drawPiano(numbers, names, { width: wide, height: pianoHeight(numbers), theme }) }),
      table: pianoTable(numbers, names),
    }, width.value, context.theme.value);
  });
  effect(() => {
    const result = metadata.value;
    const reason = result === null ? "Ablation is possible once the run is finished."
      : result.evaluation === undefined ? "Nothing to ablate against: the spec names no labelled data (field evaluation)." : null;
    setDisabled(ablate, reason !== null);
    setText(note, reason ?? (context.curves.value.length === 0 ? "Curves of score against features and edges kept appear here once they are measured." : ""));
  });
  new ResizeObserver(() => {
    const style = getComputedStyle(list);
    const free = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (free > 0 && Math.abs(free - width.value) >= 1) width.value = free;
  }).observe(list);
  return node;
}

function content(figure: Figure): CardContent {
  return { id: figure.id, title: figure.title, hint: figure.hint, table: figure.table, draw: (width, theme) => (figure.charts.length > 0 ? drawCharts(figure, width, theme) : drawGroups(figure, width, theme)) };
}

/** Small multiples: as many charts in a row as can be read. */
function drawCharts({ charts, legend }: Figure, width: number, theme: Theme): Drawing {
  const columns = Math.max(1, Math.min(charts.length, Math.floor((width + 40) / chartWidth)));
  const wide = Math.min(width / columns, chartWidth * 1.6);
  const top = legend.length > 1 ? legendHeight : 0;
  const parts = charts.map((chart, index) => svg("g", { transform: `translate(${((index % columns) * wide).toFixed(1)} ${top + Math.floor(index / columns) * (chartHeight + 12)})` },
    ...drawChart(chart, { width: wide - 16, height: chartHeight, theme })));
  return { width, height: top + Math.ceil(charts.length / columns) * (chartHeight + 12), parts: [...(top > 0 ? drawLegend(legend, 10, theme) : []), ...parts] };
}

function drawGroups({ bars }: Figure, width: number, theme: Theme): Drawing {
  const height = barsHeight(bars) - 12;
  // The figure has its title already.
  return { width, height, parts: [svg("g", { transform: "translate(0 -20)" }, ...drawBars("", bars, { width: Math.min(width, widestBars), height, theme }))] };
}
