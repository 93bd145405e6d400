/** @file The Graph tab: brings model, canvas, keyboard, toolbar and side panel together. */

import { computed, effect, signal, type ReadonlySignal } from "@preact/signals-core";
import { setGraph, type ViewContext } from "../shared/context";
import { element, setText } from "../shared/dom";
import { canvasBytes, sendExport, textBytes } from "../shared/exports";
import { baseName } from "../shared/format";
import type { InputPictures } from "../shared/inputPictures";
import type { NodeName } from "../shared/savedState";
import { GraphCanvas } from "./canvas";
import { describeNode, describeShown } from "./describe";
import { helpSheet } from "./help";
import { attachInput } from "./input";
import { moved, type GraphAction } from "./keyboard";
import { confine, fitted, Layout, zoomAt, type Camera, type Size } from "./layout";
import { nodeName, sameNode, type Graph, type NodeRef } from "./model";
import { describeModules, resolutionSlider, type ModuleStore } from "../shared/modules";
import { overview } from "./overview";
import type { Scene } from "./painter";
import { passport } from "./passport";
import { edgesCsv, graphCanvas, graphJson, graphSvg } from "./picture";
import type { Picked } from "./pick";
import { search } from "./search";
import { graphToolbar } from "./toolbar";
import type { GraphStore } from "./store";
import { countsAt, shownEdges } from "./threshold";
import { traverse } from "./traverse";

/** Most edges drawn in one picture on screen. */
const budget = 20_000;

export interface GraphView {
  node: HTMLElement;
  select(name: NodeName): void;
}

export function graphView(context: ViewContext, store: GraphStore, { modules, pictures }: { modules: ModuleStore; pictures: ReadonlySignal<InputPictures | null> }, showTable: () => void): GraphView {
  const size = signal<Size>({ width: 0, height: 0 });
  const camera = signal<Camera>(fitted);
  const hover = signal<Picked>({ node: null, edge: null });
  const hits = signal<NodeRef[]>([]);
  const cursor = signal<NodeRef | null>(null);
  const focused = signal(false);
  const directions = signal<("in" | "out")[]>(["in", "out"]);
  let hit = -1;

  const options = computed(() => context.state.value.graph);
  const { graph, basis, norm, merged, ends, threshold } = store;
  const metadata = computed(() => context.data.value.metadata);
  const notes = computed(() => context.data.value.notes);
  const runStatus = computed(() => context.data.value.status);
  const uri = computed(() => context.data.value.uri);
  const layout = computed(() => new Layout(graph.value, size.value, camera.value));
  const shown = computed(() => {
    const { first, last } = layout.value.visibleSections;
    return shownEdges(graph.value, norm.value, threshold.value, budget, first, last);
  });
  const selection = computed(() => find(graph.value, options.value.selection));
  const pinned = computed(() => options.value.pinned.flatMap((name) => find(graph.value, name) ?? []));
  const reach = computed(() => {
    const start = selection.value;
    return start === null ? null : traverse(graph.value, start, options.value.hops, directions.value, shown.value.above);
  });
  const moduleNumbers = computed(() => (options.value.colour === "modules" && basis.value !== "neuron" ? modules.numbers.value : null));
  const scene = computed((): Scene => ({
    layout: layout.value, shown: shown.value, theme: context.theme.value, norm: norm.value, scale: options.value.scale, modules: moduleNumbers.value?.layers ?? null,
  }));

  const select = (node: NodeRef | null): void => {
    cursor.value = node ?? cursor.value;
    setGraph(context, { selection: node === null ? null : nameOf(graph.value, node) });
    if (node === null) { directions.value = ["in", "out"]; return; }
    keepInView(node);
    context.say(describeNode(graph.value, node));
  };
  const pin = (node: NodeRef): void => {
    const without = pinned.value.filter((other) => !sameNode(other, node));
    const next = without.length < pinned.value.length ? without : [...pinned.value, node];
    setGraph(context, { pinned: next.map((other) => nameOf(graph.value, other)) });
    context.say(`${nodeName(graph.value, node)} ${without.length < pinned.value.length ? "unpinned" : "pinned"}.`);
  };
  const keepInView = (node: NodeRef): void => {
    const { x, y } = { x: layout.value.x(node.layer), y: layout.value.y(node) };
    // Less than the margins: a node of the first or last column moves nothing.
    const edge = 36;
    const shift = (at: number, low: number, high: number): number => (at < low ? low - at : at > high ? high - at : 0);
    const dx = shift(x, edge, size.value.width - edge);
    const dy = shift(y, 58, size.value.height - 20);
    if (dx !== 0 || dy !== 0) camera.value = { ...camera.value, x: camera.value.x + dx, y: camera.value.y + dy };
  };
  const nextHit = (step: number): void => {
    if (hits.value.length === 0) return;
    hit = (hit + step + hits.value.length) % hits.value.length;
    select(hits.value[hit]!);
  };
  const setThreshold = (value: number | null): void => setGraph(context, { threshold: value });
  const openSource = (layer: string): void => context.endpoint.send({ kind: "openSource", layer });
  const help = helpSheet();

  const toolbar = graphToolbar({
    change: (change) => setGraph(context, change),
    threshold: setThreshold,
    search(query) {
      hits.value = search(graph.value, query, moduleNumbers.value?.layers);
      hit = -1;
      toolbar.showHits(query.trim() === "" ? null : hits.value.length);
      if (hits.value.length === 1) nextHit(1);
    },
    nextHit: () => nextHit(1),
    fit: () => { camera.value = fitted; },
    help: help.open,
    countAt: (value) => countsAt(graph.value, norm.value, value).reduce((sum, one) => sum + one, 0),
    exports: () => [
      { label: "PNG picture", run: () => void exportAs("png") },
      { label: "SVG drawing", run: () => void exportAs("svg") },
      { label: "CSV, edges shown", run: () => void exportAs("csv") },
      { label: "JSON, graph shown", run: () => void exportAs("json") },
    ],
  }, resolutionSlider(context, modules));

  const exportAs = async (format: "png" | "svg" | "csv" | "json"): Promise<void> => {
    const data = context.data.value;
    const partial = data.status === "done" ? "" : "-partial";
    const name = `${baseName(data.model).replace(/\.[^.]+$/, "")}-${basis.value}-graph${partial}`;
    try {
      const { above } = shown.value;
      const bytes = format === "png" ? await canvasBytes(graphCanvas(scene.value, threshold.value))
        : textBytes(format === "svg" ? graphSvg(scene.value, threshold.value, name) : format === "csv" ? edgesCsv(graph.value, above) : graphJson(graph.value, above, data, basis.value));
      sendExport(context.endpoint, name, format, bytes);
    } catch (error) {
      context.fail(error instanceof Error ? error.message : String(error));
    }
  };

  const act = (action: GraphAction): void => {
    const { width, height } = size.value;
    switch (action.kind) {
      case "move": {
        const next = moved(graph.value, cursor.value ?? selection.value, action.to);
        if (next === null) return;
        cursor.value = next;
        keepInView(next);
        if (selection.value !== null) select(next);
        else context.say(describeNode(graph.value, next));
        return;
      }
      case "select": if (cursor.value !== null) select(cursor.value); return;
      case "pin": if (cursor.value !== null) pin(cursor.value); return;
      case "clear": select(null); return;
      case "zoom": camera.value = confine(zoomAt(camera.value, action.factor, width / 2, height / 2), layout.value); return;
      case "fit": camera.value = fitted; return;
      case "threshold": {
        const limits = ends.value;
        if (limits !== null) setThreshold(Math.min(limits.largest, Math.max(limits.smallest, threshold.value * action.factor)));
        return;
      }
      case "highlight": directions.value = action.directions; return;
      case "search": toolbar.focusSearch(); return;
      case "nextHit": nextHit(1); return;
      case "previousHit": nextHit(-1); return;
      case "table": showTable(); return;
      case "help": help.open(); return;
      case "source": {
        const at = cursor.value ?? selection.value;
        if (at !== null) openSource(graph.value.layers[at.layer]!.name);
      }
    }
  };

  const overlay = element("canvas", { class: "graph-overlay", attributes: {
    tabindex: 0, role: "application", "aria-roledescription": "interaction graph",
    "aria-label": "Interaction graph. Arrow keys move between features, Enter selects, question mark lists all keys.",
  } });
  const canvas = new GraphCanvas(overlay);
  const stage = element("div", { class: "graph-stage" }, canvas.picture, overlay);
  const side = element("aside", { class: "side", attributes: { "aria-label": "Details" } });
  const status = element("p", { class: "status-line", attributes: { role: "status" } });
  const node = element("section", { class: "view graph-view" }, toolbar.node, element("div", { class: "graph-body" }, stage, side), status, help.node);

  attachInput(overlay, {
    layout: () => layout.value,
    drawn: () => shown.value.drawn,
    camera,
    hover,
    act,
    select(picked, extend) {
      if (picked.node === null) { if (picked.edge === null) select(null); return; }
      if (extend) pin(picked.node);
      else select(picked.node);
    },
    focus: (has) => { focused.value = has; if (has && cursor.value === null) cursor.value = selection.value ?? moved(graph.value, null, "first"); },
  });

  let drawn: Layout | null = null;
  effect(() => {
    const now = scene.value;
    if (now.layout.size.width === 0) return;
    // Only the camera moved: the last picture can be shown until the new one is ready.
    if (drawn !== null && drawn.graph === now.layout.graph && drawn.size === now.layout.size && drawn.camera !== now.layout.camera) canvas.move(now);
    else canvas.draw(now);
    drawn = now.layout;
    overlay.dataset["edges"] = String(now.shown.drawnTotal);
    overlay.dataset["layers"] = String(graph.value.layers.filter((layer) => layer.known).length);
  });
  effect(() => {
    if (scene.value.layout.size.width === 0) return;
    const { node: hoverNode, edge: hoverEdge } = hover.value;
    canvas.drawOverlay(scene.value, {
      reach: reach.value, selection: selection.value, pinned: pinned.value, hits: hits.value, hoverNode, hoverEdge,
      cursor: focused.value ? cursor.value : null,
    });
  });
  effect(() => toolbar.update(options.value, { threshold: threshold.value, ends: ends.value, above: shown.value.aboveTotal, merged: merged.value }));
  effect(() => {
    const coloured = options.value.colour !== "modules" ? "" : ` · ${basis.value === "neuron" ? "neurons have no modules: their edges are Jacobians" : describeModules(modules)}`;
    setText(status, hoverSentence(graph.value, hover.value) ?? describeShown(graph.value, context.data.value, shown.value, threshold.value, norm.value, basis.value) + coloured);
  });
  const whyNot = (selected: NodeRef): string | null => {
    if (uri.value === null) return "Possible once the run is finished.";
    if (metadata.value?.evaluation === undefined) return "The spec names no labelled data to measure with (field evaluation).";
    const layer = graph.value.layers[selected.layer]!;
    if (layer.merged > 0) return "These are all outputs: without them nothing is left to measure.";
    return layer.importance === null && basis.value !== "neuron" ? "This layer has no basis of its own." : null;
  };
  effect(() => {
    const current = graph.value;
    const selected = selection.value;
    void notes.value;
    void runStatus.value;
    const data = context.data.peek();
    const grouped = moduleNumbers.value === null ? [] : modules.list.value;
    side.replaceChildren(...(selected === null
      ? overview(current, data, { modules: grouped, light: context.theme.value.light }, { select, openSource, mark: (nodes) => { hits.value = [...nodes]; hit = -1; } })
      : passport(current, selected, {
        pinned: pinned.value, module: grouped.find(({ features }) => features.some((other) => sameNode(other, selected))) ?? null, labels: context.labels.value.get(basis.value) ?? null, pictures: basis.value === "lib" ? pictures.value : null,
      }, {
        select, pin, openSource,
        ablate: (layer, remove) => context.endpoint.ablate(basis.peek(), layer, remove),
        cannotAblate: () => whyNot(selected),
      })));
  });
  // The stage changes its size with the window, the side panel and the banner of a run.
  new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = stage;
    if (width > 0 && (width !== size.value.width || height !== size.value.height)) size.value = { width, height };
  }).observe(stage);

  return {
    node,
    select(name) {
      const found = find(graph.value, name);
      // One of the outputs that are drawn as one: then each has to be drawn.
      if (merged.value === true && find(store.complete.value, name)?.layer === graph.value.layers.length - 1) setGraph(context, { mergeOutputs: false, threshold: null, selection: name });
      else if (found !== null) select(found);
      // Not there yet: a view that is still loading selects it when its layer is known.
      else setGraph(context, { selection: name });
    },
  };
}

const nameOf = (graph: Graph, node: NodeRef): NodeName => ({ layer: graph.layers[node.layer]!.name, feature: node.feature });

/** A saved name in the present graph, which may be another basis or only part of the layers. */
function find(graph: Graph, name: NodeName | null): NodeRef | null {
  if (name === null) return null;
  const layer = graph.layers.findIndex((candidate) => candidate.name === name.layer);
  const found = graph.layers[layer];
  return found !== undefined && found.known && name.feature >= found.first && name.feature < found.count ? { layer, feature: name.feature } : null;
}

function hoverSentence(graph: Graph, { node, edge }: Picked): string | null {
  if (node !== null) return describeNode(graph, node);
  if (edge === null) return null;
  const section = graph.sections[edge.section];
  const [source, target, weight] = [section?.source[edge.edge], section?.target[edge.edge], section?.weight[edge.edge]];
  if (source === undefined || target === undefined || weight === undefined) return null;
  return `${nodeName(graph, { layer: edge.section, feature: source })} → ${nodeName(graph, { layer: edge.section + 1, feature: target })}: ${weight.toPrecision(4)}`;
}
