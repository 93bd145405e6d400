/** @file The Plots tab: what an ablation found, spectra, modules, what features respond to, and the modules of the model. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { architectureFigure } from "../../../server/src/figures/architecture";
import { scoreFigure } from "../../../server/src/figures/curves";
import type { Drawing } from "../../../server/src/figures/drawing";
import { neededFigure } from "../../../server/src/figures/needed";
import { pianoFigure } from "../../../server/src/figures/piano";
import { spansFigure } from "../../../server/src/figures/spans";
import { spectraFigure } from "../../../server/src/figures/spectra";
import type { ArchitectureStore } from "../shared/architectureStore";
import { button, setDisabled } from "../shared/controls";
import type { ViewContext } from "../shared/context";
import { element, setText } from "../shared/dom";
import { baseName } from "../shared/format";
import type { InputPictures } from "../shared/inputPictures";
import { describeModules, resolutionSlider, type ModuleStore } from "../shared/modules";
import { figureCard, type Card } from "./figureCard";
import { labelFigures } from "./labelFigures";

/** Pixels that stay free above a figure that is brought into view. */
const aboveCard = 12;

export interface PlotsData { modules: ModuleStore; architecture: ArchitectureStore; pictures: ReadonlySignal<InputPictures | null> }

export function plotsView(context: ViewContext, { modules, architecture, pictures }: PlotsData): HTMLElement {
  const width = signal(0);
  const model = computed(() => baseName(context.data.value.model));
  const layers = computed(() => context.data.value.layers);
  const names = computed(() => layers.value.map(({ name }) => name));
  const metadata = computed(() => context.data.value.metadata);
  const card = (controls: HTMLElement[] = []): Card => figureCard(context.endpoint, () => model.peek().replace(/\.[^.]+$/, ""), () => context.theme.peek(), context.fail, controls);
  const labels = labelFigures(context, pictures);
  // What somebody has asked for comes first.
  const cards = {
    features: card(), featuresNeeded: card(), edges: card(), edgesRequired: card(), explained: card(), directions: card(), positions: card([labels.layerChoice]),
    spectra: card(), piano: card([resolutionSlider(context, modules)]), spans: card(), architecture: card(),
  };

  const ablate = button("Ablate…", () => context.endpoint.send({ kind: "action", action: "ablate" }), { title: "Measure the score with only some features or edges" });
  const find = button("Find labels…", () => context.endpoint.send({ kind: "action", action: "findLabels" }), { title: "Find what the features respond to: classes, positions, tokens or Fourier terms" });
  const diagram = button("Architecture", () => architecture.ask(false), { title: "Draw the modules of the model with the node layers marked" });
  const note = element("p", { class: "hint", attributes: { role: "status" } });
  const list = element("div", { class: "plots", attributes: { tabindex: 0, role: "region", "aria-label": "Plots" } }, ...Object.values(cards).map(({ node }) => node));
  const node = element("section", { class: "view plots-view" },
    element("div", { class: "toolbar", attributes: { role: "group", "aria-label": "Plots" } }, ablate, find, diagram, note), list);

  /** Draws again whenever what the figure reads has changed; a figure without numbers is hidden. */
  const draw = (target: Card, figure: (wide: number) => Drawing | null): void => {
    effect(() => {
      if (width.value <= 0) return;
      const drawing = figure(width.value);
      target.show(drawing === null || drawing.table.rows.length === 0 ? null : drawing);
    });
  };
  const curves = computed(() => [{ name: model.value, curves: context.curves.value }]);
  draw(cards.spectra, (wide) => spectraFigure(layers.value.flatMap(({ summary }) => summary ?? []), metadata.value?.spec.basis?.center !== false, wide));
  draw(cards.features, (wide) => scoreFigure("nodes", curves.value, names.value, wide));
  draw(cards.featuresNeeded, (wide) => neededFigure("nodes", curves.value, names.value, wide));
  draw(cards.edges, (wide) => scoreFigure("edges", curves.value, names.value, wide));
  draw(cards.edgesRequired, (wide) => neededFigure("edges", curves.value, names.value, wide));
  draw(cards.piano, (wide) => (modules.numbers.value === null ? null : pianoFigure(modules.numbers.value, names.value, describeModules(modules), wide)));
  draw(cards.explained, labels.explained);
  draw(cards.directions, labels.directions);
  draw(cards.positions, labels.positions);
  draw(cards.architecture, (wide) => (architecture.modules.value === null ? null
    : architectureFigure(model.value, architecture.modules.value, layers.value.flatMap(({ summary }) => summary ?? []), wide)));
  draw(cards.spans, (wide) => (modules.numbers.value === null ? null : spansFigure(modules.numbers.value, wide)));

  // What somebody waits for is brought into view when it comes; what comes after it moves nothing.
  effect(() => {
    const came = context.news.value;
    if (came === null) return;
    const { node: figure } = { nodes: cards.features, edges: cards.edges, labels: cards.explained }[came];
    // Only the list: scrolling into view would push the header out of the page as well.
    list.scrollTop += figure.getBoundingClientRect().top - list.getBoundingClientRect().top - aboveCard;
  });
  effect(() => {
    const result = metadata.value;
    const reason = result === null ? "Ablation is possible once the run is finished."
      : result.evaluation === undefined ? "Nothing to ablate against: the spec names no labelled data (field evaluation)." : null;
    setDisabled(ablate, reason !== null);
    setDisabled(find, result === null);
    setDisabled(diagram, result === null);
    setText(note, reason ?? (context.curves.value.length === 0 ? "Curves of score against features and edges kept appear here once they are measured." : ""));
  });
  new ResizeObserver(() => {
    const style = getComputedStyle(list);
    const free = list.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    if (free > 0 && Math.abs(free - width.value) >= 1) width.value = free;
  }).observe(list);
  return node;
}
