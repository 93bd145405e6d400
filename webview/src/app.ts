/** @file The frame of the view: what is shown, the tabs, how a run is going, and what went wrong. */

import { computed, effect, type Signal } from "@preact/signals-core";
import type { HostMessage } from "../../server/src/protocol/views";
import { graphView } from "./graph/graphView";
import { graphStore } from "./graph/store";
import { heatmapView } from "./heatmap/heatmapView";
import { runBanner } from "./banner";
import { architectureStore } from "./shared/architectureStore";
import type { ViewContext } from "./shared/context";
import { setHeatmap } from "./shared/context";
import { knownLayers, knownSections } from "./shared/data";
import { element, setText } from "./shared/dom";
import { baseName, count, plural } from "./shared/format";
import { inputPictures } from "./shared/inputPictures";
import { moduleStore } from "./shared/modules";
import { plotsView } from "./plots/plotsView";
import type { Tab } from "./shared/savedState";
import { tableView } from "./table/tableView";

export interface App {
  node: HTMLElement;
  show(message: Extract<HostMessage, { kind: "show" }>): void;
}

const tabs: readonly { id: Tab; title: string }[] = [
  { id: "graph", title: "Graph" }, { id: "jacobians", title: "Jacobians" }, { id: "plots", title: "Plots" }, { id: "table", title: "Table" },
];

export function createApp(context: ViewContext, problem: Signal<string | null>): App {
  const { data, state } = context;
  const store = graphStore(context);
  const open = (tab: Tab): void => { state.value = { ...state.value, tab }; };
  const modules = moduleStore(context, computed(() => state.value.tab === "plots" || state.value.tab === "table" || (state.value.tab === "graph" && state.value.graph.colour === "modules")));
  const architecture = architectureStore(context);
  const pictures = inputPictures(context, architecture, computed(() => state.value.tab === "plots" || (state.value.tab === "graph" && state.value.graph.selection !== null)));
  const graph = graphView(context, store, { modules, pictures }, () => open("table"));
  const views: Record<Tab, HTMLElement> = {
    graph: graph.node,
    jacobians: heatmapView(context),
    plots: plotsView(context, { modules, architecture, pictures }),
    table: tableView(context, store, modules, (name) => { open("graph"); graph.select(name); }),
  };

  const title = element("h1", {});
  const subtitle = element("p", { class: "subtitle" });
  const buttons = tabs.map(({ id, title: label }) => element("button", {
    class: "tab", attributes: { type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `panel-${id}` }, on: { click: () => open(id) },
  }, label));
  const tabList = element("div", { class: "tabs", attributes: { role: "tablist", "aria-label": "Views of the result" } }, ...buttons);
  tabList.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === state.value.tab);
    const next = (at + step + tabs.length) % tabs.length;
    open(tabs[next]!.id);
    buttons[next]!.focus();
  });
  const panels = tabs.map(({ id }) => element("div", { class: "panel", attributes: { role: "tabpanel", id: `panel-${id}`, "aria-labelledby": `tab-${id}` } }, views[id]));
  const problemText = element("span", {});
  const problemBox = element("div", { class: "banner problem", attributes: { role: "alert" } }, problemText,
    element("button", { class: "quiet", attributes: { type: "button" }, on: { click: () => context.endpoint.send({ kind: "action", action: "showLog" }) } }, "Show log"),
    element("button", { class: "quiet", attributes: { type: "button", "aria-label": "Close this message" }, on: { click: () => { problem.value = null; } } }, "✕"));
  const banner = runBanner(context);
  const loading = element("p", { class: "empty loading" }, "Reading the result…");
  const node = element("main", { class: "app" },
    element("header", { class: "head" }, element("div", { class: "titles" }, title, subtitle), tabList),
    banner, problemBox, loading, ...panels);

  const current = computed(() => state.value.tab);
  const waiting = computed(() => data.value.status === "waiting");
  /** Ended before anything was known: there is only the banner to show. */
  const empty = computed(() => data.value.layers.length === 0 && (data.value.status === "failed" || data.value.status === "cancelled"));
  effect(() => {
    tabs.forEach(({ id }, index) => {
      const chosen = id === current.value;
      buttons[index]!.setAttribute("aria-selected", String(chosen));
      buttons[index]!.tabIndex = chosen ? 0 : -1;
      panels[index]!.hidden = !chosen || waiting.value || empty.value;
    });
    loading.hidden = !waiting.value || problem.value !== null;
  });
  effect(() => {
    const now = data.value;
    setText(title, now.model === "" ? "LIB analysis" : baseName(now.model));
    setText(subtitle, subtitleOf(now));
    document.body.dataset["status"] = now.status;
    document.body.dataset["layers"] = String(knownLayers(now));
    document.body.dataset["sections"] = String(knownSections(now));
  });
  effect(() => {
    problemBox.hidden = problem.value === null;
    setText(problemText, problem.value ?? "");
  });

  return {
    node,
    show(message) {
      open(message.tab);
      if (message.section !== undefined) setHeatmap(context, { section: message.section });
      if (message.layer === undefined) return;
      const { layer } = message;
      if (message.tab === "graph") graph.select({ layer, feature: message.feature ?? 1 });
      const section = data.value.sections.findIndex((slot) => slot.from === layer);
      if (message.tab === "jacobians" && message.section === undefined && section >= 0) setHeatmap(context, { section });
    },
  };
}

function subtitleOf(data: ViewContext["data"]["value"]): string {
  const parts: string[] = [];
  const features = data.layers.reduce((sum, layer) => sum + Math.max(0, (layer.summary?.kept ?? 0) - 1), 0);
  if (data.layers.length > 0) parts.push(plural(data.layers.length, "layer"));
  if (features > 0) parts.push(plural(features, "feature"));
  if (data.samples > 0) parts.push(`${count(data.samples)} samples`);
  if (data.backend !== "") parts.push(data.backend);
  if (data.status === "cancelled" || (data.metadata !== null && !data.metadata.complete)) parts.push("partial");
  return parts.join(" · ");
}
