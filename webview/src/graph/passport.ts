/** @file The side panel of a selected feature: what it weighs, whom it talks to, what breaks without it. */

import { button, progressRing, setDisabled } from "../shared/controls";
import { element, svg } from "../shared/dom";
import { drawingElement } from "../shared/drawing";
import { count, number, percent, plural } from "../shared/format";
import type { AblationAnswer } from "../shared/endpoint";
import { directionPicture } from "../../../server/src/figures/directions";
import { moduleName } from "../../../server/src/figures/look";
import { profilePicture } from "../../../server/src/figures/profile";
import type { LabelKind, LabelledLayer, LabelsAnswer } from "../../../server/src/protocol/labels";
import type { InputPictures } from "../shared/inputPictures";
import type { Module } from "../shared/modules";
import { featureName, neighbours, nodeName, sameNode, totalImportance, type Graph, type Neighbour, type NodeRef } from "./model";
import { spectrum } from "./spectrum";

export interface PassportActions {
  select(node: NodeRef | null): void;
  pin(node: NodeRef): void;
  openSource(layer: string): void;
  /** Score without these features of a layer. */
  ablate(layer: number, remove: number[]): Promise<AblationAnswer>;
  /** Why nothing can be ablated, or null. */
  cannotAblate(): string | null;
}

const shownPartners = 8;

export interface PassportFacts {
  pinned: readonly NodeRef[];
  /** Of this feature, where modules are shown. */
  module: Module | null;
  /** What the features of this basis respond to, where somebody has asked. */
  labels: LabelsAnswer | null;
  /** Features of the input as pictures, where the samples are images. */
  pictures: InputPictures | null;
}

export function passport(graph: Graph, node: NodeRef, about: PassportFacts, actions: PassportActions): HTMLElement[] {
  const { pinned, module } = about;
  const found = about.labels?.layers.find(({ name }) => name === graph.layers[node.layer]!.name) ?? null;
  const label = graph.layers[node.layer]!.labels?.[node.feature] ?? null;
  const layer = graph.layers[node.layer]!;
  const isPinned = pinned.some((other) => sameNode(other, node));
  return [
    element("div", { class: "passport-head" },
      element("h2", { attributes: { tabindex: -1 } }, nodeName(graph, node)),
      element("button", { class: "quiet", attributes: { type: "button", "aria-label": "Clear the selection", title: "Clear the selection (Esc)" }, on: { click: () => actions.select(null) } }, "✕")),
    ...(label === null ? [] : [element("p", { class: "feature-label" }, label.replaceAll("|", " · "))]),
    ...direction(graph, node, about.pictures),
    ...(found === null ? [] : profile(about.labels!.kind, found, node.feature)),
    ...importanceRows(graph, node),
    ...(module === null ? [] : [element("p", { class: "hint" }, `In module ${moduleName(module.index)}: ${plural(module.features.length, "feature")} in ${plural(module.layers, "layer")}.`)]),
    element("div", { class: "button-row" },
      button(isPinned ? "Unpin" : "Pin", () => actions.pin(node), { title: "Keep this feature marked (Ctrl+click)" }),
      button("Source", () => actions.openSource(layer.name), { title: `Go to the line that defines ${layer.name}` })),
    ...ablation(graph, node, pinned, actions),
    ...partners(graph, "Strongest inputs", neighbours(graph, node, "in"), actions),
    ...partners(graph, "Strongest outputs", neighbours(graph, node, "out"), actions),
    ...pinnedList(graph, pinned, actions),
  ];
}

/** What the feature adds to an image. */
function direction(graph: Graph, { layer, feature }: NodeRef, pictures: InputPictures | null): HTMLElement[] {
  const { name, constant } = graph.layers[layer]!;
  if (pictures === null || pictures.layer.name !== name || (constant && feature === 0)) return [];
  const box = element("div", { class: "passport-spectrum" });
  box.append(drawingElement(directionPicture(pictures.directions, feature, pictures.shape, 112), "What the feature adds to the input, as a picture"));
  return [element("h3", {}, "Adds to the input"), box];
}

const groupNames = { class: "Mean by class", position: "Mean by position", token: "Tokens furthest from the mean" } as const;

/** How the feature depends on classes, positions or tokens; Fourier terms are in its label. */
function profile(kind: LabelKind, layer: LabelledLayer, feature: number): HTMLElement[] {
  const groups = layer.profile?.[feature] ?? [];
  if (kind === "fourier" || groups.length === 0) return [];
  const values = groups.map(({ group, text, mean }) => `${text ?? group}: ${number(mean)}`);
  const box = element("div", { class: "passport-spectrum" });
  box.append(drawingElement(profilePicture(kind, groups, 264), `${groupNames[kind]}. ${values.slice(0, 20).join(", ")}`));
  return [element("h3", {}, groupNames[kind]), box];
}

function importanceRows(graph: Graph, node: NodeRef): HTMLElement[] {
  const layer = graph.layers[node.layer]!;
  const importance = layer.importance?.[node.feature];
  if (layer.merged > 0) return [element("p", { class: "hint" }, `All ${count(layer.merged)} outputs as one: an edge is the sum of the edges into each of them. Clear "Merge outputs" to see them apart; the table lists them all.`)];
  if (importance === undefined) return [element("p", { class: "hint" }, "A neuron of a layer that is shown as it is, without a basis of its own.")];
  const rows: [string, string][] = [["Importance", number(importance)]];
  if (layer.constant && node.feature === 0) {
    return [facts(rows), element("p", { class: "hint" }, "Carries the biases and the mean activation; it is the same for every input.")];
  }
  const total = totalImportance(layer);
  let cumulative = 0;
  for (let feature = layer.constant ? 1 : 0; feature <= node.feature; feature++) cumulative += Math.max(0, layer.importance![feature]!);
  const rank = node.feature - (layer.constant ? 1 : 0) + 1;
  rows.push(
    ["Share of layer", percent(importance / total)],
    ["Rank", `${rank} of ${count(layer.count - (layer.constant ? 1 : 0))}`],
    ["With all above", percent(cumulative / total)],
  );
  const picture = element("div", { class: "passport-spectrum" });
  picture.append(spectrum(layer, 264, 34, node.feature));
  return [facts(rows), picture];
}

const facts = (rows: [string, string][]): HTMLElement =>
  element("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));

function partners(graph: Graph, title: string, list: Neighbour[], actions: PassportActions): HTMLElement[] {
  if (list.length === 0) return [];
  const largest = Math.abs(list[0]!.weight);
  const row = ({ node, weight }: Neighbour): HTMLElement => {
    const sign = weight < 0 ? "negative" : "positive";
    const meter = svg("svg", { class: "meter", width: 64, height: 6, viewBox: "0 0 64 6", "aria-hidden": "true", focusable: "false" },
      svg("rect", { class: `meter-fill ${sign}`, x: 0, y: 0, rx: 2, width: Math.max(1.5, (Math.abs(weight) / largest) * 64).toFixed(1), height: 6 }));
    const open = element("button", {
      class: "partner", attributes: { type: "button", title: `Select ${nodeName(graph, node)}` }, on: { click: () => actions.select(node) },
    }, element("span", { class: "partner-name" }, featureName(graph.layers[node.layer]!, node.feature)), element("span", { class: "partner-weight" }, element("span", { class: "visually-hidden" }, "edge of "), number(weight)));
    open.insertBefore(meter, open.lastChild);
    return element("li", {}, open);
  };
  const items = list.slice(0, shownPartners).map(row);
  const box = element("ul", { class: "partners" }, ...items);
  const result: HTMLElement[] = [element("h3", {}, title, element("span", { class: "heading-note" }, ` in ${graph.layers[list[0]!.node.layer]!.name}`)), box];
  if (list.length > shownPartners) {
    const more = element("button", { class: "quiet", attributes: { type: "button" }, on: { click: () => {
      box.append(...list.slice(shownPartners, 200).map(row));
      more.remove();
      (box.children[shownPartners]?.firstElementChild as HTMLElement | null)?.focus();
    } } }, `Show ${count(Math.min(200, list.length) - shownPartners)} more`);
    result.push(more);
  }
  return result;
}

/** The selected feature together with the pinned ones of its layer: one run of the network answers for all of them. */
function ablation(graph: Graph, node: NodeRef, pinned: readonly NodeRef[], actions: PassportActions): HTMLElement[] {
  const layer = graph.layers[node.layer]!;
  const chosen = [...new Set([node, ...pinned].filter((other) => other.layer === node.layer).map((other) => other.feature))].sort((a, b) => a - b);
  const others = Array.from({ length: layer.count }, (_, feature) => feature).filter((feature) => !chosen.includes(feature) && !(layer.constant && feature === 0));
  const answer = element("div", { class: "ablation-answer", attributes: { role: "status" } });
  const buttons: HTMLElement[] = [];
  const run = async (what: string, remove: number[]): Promise<void> => {
    buttons.forEach((item) => setDisabled(item, true));
    answer.replaceChildren(progressRing("Evaluating"), element("span", {}, "Evaluating…"));
    try {
      answer.replaceChildren(...ablationResult(what, await actions.ablate(node.layer, remove)));
    } catch (error) {
      answer.replaceChildren(element("p", { class: "problem" }, error instanceof Error ? error.message : String(error)));
    } finally {
      buttons.forEach((item) => setDisabled(item, false));
    }
  };
  const names = chosen.map((feature) => featureName(layer, feature)).join(", ");
  buttons.push(
    button("Remove", () => void run(`without ${names}`, chosen), { look: "primary", title: `Score without ${names}` }),
    button("Keep only", () => void run(`with only ${names}`, others), { title: `Score with every other feature of ${layer.name} removed` }),
  );
  const reason = actions.cannotAblate();
  if (reason !== null) buttons.forEach((item) => setDisabled(item, true));
  return [
    element("h3", {}, "What breaks"),
    element("p", { class: "hint" }, reason ?? (chosen.length > 1 ? `Acts on ${plural(chosen.length, "feature")} of ${layer.name}: ${names}.` : "Pin more features of this layer to act on all of them.")),
    element("div", { class: "button-row" }, ...buttons),
    answer,
  ];
}

function ablationResult(what: string, { metric, base, score }: AblationAnswer): HTMLElement[] {
  const accuracy = metric === "accuracy";
  const show = accuracy ? percent : number;
  const change = score - base;
  const worse = accuracy ? change < 0 : change > 0;
  const points = accuracy ? `${change < 0 ? "−" : "+"}${Math.abs(change * 100).toPrecision(3)} points` : `${change < 0 ? "" : "+"}${number(change)}`;
  return [
    element("p", { class: "ablation-score" }, element("span", {}, show(base)), " → ", element("strong", {}, show(score))),
    element("p", { class: `hint ${worse ? "worse" : ""}` }, `${accuracy ? "Accuracy" : "Loss"} ${what}: ${change === 0 ? "no change" : points}.`),
  ];
}

function pinnedList(graph: Graph, pinned: readonly NodeRef[], actions: PassportActions): HTMLElement[] {
  if (pinned.length === 0) return [];
  return [
    element("h3", {}, "Pinned"),
    element("ul", { class: "chips" }, ...pinned.map((node) => element("li", {},
      element("button", { class: "chip", attributes: { type: "button" }, on: { click: () => actions.select(node) } }, nodeName(graph, node))))),
  ];
}
