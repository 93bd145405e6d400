/** @file Sentences about the graph, for the status line and screen readers. */

import type { LensData } from "../shared/data";
import { knownSections } from "../shared/data";
import { count, number, percent, plural } from "../shared/format";
import type { BasisName } from "../../../server/src/protocol/result";
import type { EdgeNorm } from "../shared/savedState";
import { neighbours, nodeName, totalImportance, type Graph, type NodeRef } from "./model";
import type { Shown } from "./threshold";

export function describeNode(graph: Graph, node: NodeRef): string {
  const layer = graph.layers[node.layer]!;
  const importance = layer.importance?.[node.feature];
  const total = totalImportance(layer);
  const parts = [nodeName(graph, node)];
  const label = layer.labels?.[node.feature] ?? null;
  if (label !== null) parts.push(label);
  if (importance !== undefined) {
    const share = total > 0 && !(layer.constant && node.feature === 0) ? `, ${percent(importance / total)} of the layer` : "";
    parts.push(`importance ${number(importance)}${share}`);
  }
  return `${parts.join(", ")}. ${describeEnds(graph, node, "in")} ${describeEnds(graph, node, "out")}`;
}

function describeEnds(graph: Graph, node: NodeRef, direction: "in" | "out"): string {
  const list = neighbours(graph, node, direction);
  const word = direction === "in" ? "incoming" : "outgoing";
  if (list.length === 0) return `No ${word} edges.`;
  return `${count(list.length)} ${word}, strongest ${nodeName(graph, list[0]!.node)} ${number(list[0]!.weight)}.`;
}

const normWords: Record<EdgeNorm, string> = {
  strongest: "of the strongest edge in its section",
  total: "of the section's total",
  absolute: "",
};

/** A threshold with its unit. */
export const thresholdText = (threshold: number, norm: EdgeNorm): string => (norm === "absolute" ? number(threshold) : percent(threshold));

/** What is drawn and what is not; never hides anything silently. */
export function describeShown(graph: Graph, data: LensData, shown: Shown, threshold: number, norm: EdgeNorm, basis: BasisName): string {
  const known = knownSections(data);
  if (known === 0) return data.status === "running" ? "No section is finished yet." : "There are no edges to draw.";
  const parts: string[] = [];
  if (shown.aboveTotal === 0) {
    parts.push(`None of ${plural(shown.total, "edge")} reaches ${thresholdText(threshold, norm)}: move the threshold down.`);
  } else {
    parts.push(`${count(shown.aboveTotal)} of ${plural(shown.total, "edge")} ≥ ${thresholdText(threshold, norm)} ${normWords[norm]}`.trimEnd());
  }
  if (shown.drawnTotal < shown.inView) parts.push(`drawing the ${count(shown.drawnTotal)} strongest of ${count(shown.inView)} in view`);
  const last = graph.layers.at(-1);
  if (last !== undefined && last.merged > 0) parts.push(`${count(last.merged)} outputs drawn as one`);
  if (basis === "neuron") parts.push("edges between neurons are the root mean square of the Jacobian");
  const leftOut = graph.sections.reduce((sum, section) => sum + section.leftOut, 0);
  if (leftOut > 0) parts.push(`${count(leftOut)} weaker ones are only in the file`);
  if (graph.layers.some((layer) => layer.constant && layer.first === 1)) parts.push("constant feature hidden");
  if (known < data.sections.length) parts.push(`${known} of ${plural(data.sections.length, "section")} known`);
  return parts.join(" · ");
}
