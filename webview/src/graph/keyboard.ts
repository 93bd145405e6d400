/** @file Keys of the graph: one registry, from which the help sheet is made too, so that the two cannot differ. */

import { neighbours, rowsOf, type Graph, type NodeRef } from "./model";

export type GraphAction =
  | { kind: "move"; to: "up" | "down" | "first" | "last" | "strongestIn" | "strongestOut" | "previousLayer" | "nextLayer" }
  | { kind: "zoom"; factor: number }
  | { kind: "threshold"; factor: number }
  | { kind: "highlight"; directions: ("in" | "out")[] }
  | { kind: "fit" | "select" | "pin" | "clear" | "search" | "nextHit" | "previousHit" | "table" | "help" | "source" };

interface Key { key: string; ctrl?: boolean; shift?: boolean }
interface Shortcut { keys: Key[]; label: string; does: string; action: GraphAction }

const move = (to: Extract<GraphAction, { kind: "move" }>["to"]): GraphAction => ({ kind: "move", to });

export const shortcuts: readonly Shortcut[] = [
  { keys: [{ key: "ArrowUp" }], label: "↑", does: "feature above", action: move("up") },
  { keys: [{ key: "ArrowDown" }], label: "↓", does: "feature below", action: move("down") },
  { keys: [{ key: "ArrowLeft" }], label: "←", does: "along the strongest incoming edge", action: move("strongestIn") },
  { keys: [{ key: "ArrowRight" }], label: "→", does: "along the strongest outgoing edge", action: move("strongestOut") },
  { keys: [{ key: "ArrowLeft", ctrl: true }], label: "Ctrl ←", does: "same rank, layer before", action: move("previousLayer") },
  { keys: [{ key: "ArrowRight", ctrl: true }], label: "Ctrl →", does: "same rank, layer after", action: move("nextLayer") },
  { keys: [{ key: "Home" }], label: "Home", does: "first feature of the layer", action: move("first") },
  { keys: [{ key: "End" }], label: "End", does: "last feature of the layer", action: move("last") },
  { keys: [{ key: "Enter" }, { key: " " }], label: "Enter", does: "select", action: { kind: "select" } },
  { keys: [{ key: "Enter", ctrl: true }], label: "Ctrl Enter", does: "pin or unpin", action: { kind: "pin" } },
  { keys: [{ key: "u" }], label: "u", does: "highlight upstream only", action: { kind: "highlight", directions: ["in"] } },
  { keys: [{ key: "d" }], label: "d", does: "highlight downstream only", action: { kind: "highlight", directions: ["out"] } },
  { keys: [{ key: "b" }], label: "b", does: "highlight both ways", action: { kind: "highlight", directions: ["in", "out"] } },
  { keys: [{ key: "[" }], label: "[", does: "lower threshold, more edges", action: { kind: "threshold", factor: 0.8 } },
  { keys: [{ key: "]" }], label: "]", does: "higher threshold, fewer edges", action: { kind: "threshold", factor: 1.25 } },
  { keys: [{ key: "+" }, { key: "=" }], label: "+", does: "zoom in", action: { kind: "zoom", factor: 1.25 } },
  { keys: [{ key: "-" }], label: "−", does: "zoom out", action: { kind: "zoom", factor: 0.8 } },
  { keys: [{ key: "0" }], label: "0", does: "fit", action: { kind: "fit" } },
  { keys: [{ key: "/" }], label: "/", does: "search", action: { kind: "search" } },
  { keys: [{ key: "n" }], label: "n", does: "next hit", action: { kind: "nextHit" } },
  { keys: [{ key: "N", shift: true }], label: "Shift n", does: "previous hit", action: { kind: "previousHit" } },
  { keys: [{ key: "s" }], label: "s", does: "go to the layer's source line", action: { kind: "source" } },
  { keys: [{ key: "t" }], label: "t", does: "table of edges", action: { kind: "table" } },
  { keys: [{ key: "Escape" }], label: "Esc", does: "clear the selection", action: { kind: "clear" } },
  { keys: [{ key: "?", shift: true }, { key: "?" }], label: "?", does: "this list", action: { kind: "help" } },
];

export interface KeyPress { key: string; ctrlKey: boolean; metaKey: boolean; shiftKey: boolean; altKey: boolean }

/** The action of a key, or null: Tab and the editor's own chords pass through. */
export function actionOf(press: KeyPress): GraphAction | null {
  if (press.altKey) return null;
  const ctrl = press.ctrlKey || press.metaKey;
  const found = shortcuts.find((shortcut) => shortcut.keys.some((key) => key.key === press.key && (key.ctrl ?? false) === ctrl));
  return found?.action ?? null;
}

/** The node that a move leads to; the same node when there is nothing there. */
export function moved(graph: Graph, from: NodeRef | null, to: Extract<GraphAction, { kind: "move" }>["to"]): NodeRef | null {
  if (from === null) return firstNode(graph);
  const layer = graph.layers[from.layer]!;
  const last = layer.count - 1;
  switch (to) {
    case "up": return { ...from, feature: Math.max(layer.first, from.feature - 1) };
    case "down": return { ...from, feature: Math.min(last, from.feature + 1) };
    case "first": return { ...from, feature: layer.first };
    case "last": return { ...from, feature: last };
    case "strongestIn": return neighbours(graph, from, "in")[0]?.node ?? from;
    case "strongestOut": return neighbours(graph, from, "out")[0]?.node ?? from;
    case "previousLayer": return beside(graph, from, -1);
    case "nextLayer": return beside(graph, from, 1);
  }
}

function firstNode(graph: Graph): NodeRef | null {
  const layer = graph.layers.findIndex((candidate) => candidate.known && rowsOf(candidate) > 0);
  return layer < 0 ? null : { layer, feature: graph.layers[layer]!.first };
}

function beside(graph: Graph, from: NodeRef, step: number): NodeRef {
  const to = graph.layers[from.layer + step];
  if (to === undefined || !to.known || rowsOf(to) === 0) return from;
  const row = from.feature - graph.layers[from.layer]!.first;
  return { layer: from.layer + step, feature: Math.min(to.count - 1, to.first + row) };
}
