/** @file The LIB tier of a hover: what the stored result says about the node layer of a line. */

import { outlinedFeatures } from "../analysis/store/outline";
import type { EdgeList, LayerSummary, ResultOutline } from "../protocol/result";
import { type ViewTarget, viewCommands } from "../protocol/views";
import { uriOf } from "../workspace/uris";
import type { ClientAbilities } from "./clientCapabilities";
import { ageText, code, commandLink, plural, short, table } from "./markdown";
import type { NodeLayerRole } from "./nodeLayers";
import type { CachedResult } from "./resultIndex";
import { sparkline, spectrumImage } from "./spectrum";

/** @param stale the model file changed after the analysis */
export function resultTier(result: CachedResult, { layer, role }: NodeLayerRole, client: ClientAbilities, now: number, stale: boolean): string {
  const { metadata } = result;
  const where = role === "input" ? "the input of this layer" : "where this layer writes to";
  const place = `**LIB** at node layer ${code(layer.name)} (${where})`;
  const actions = links(result, layer, client);
  const lines = layer.kept === 0
    ? [`${place}: the last one, without a basis of its own, ${plural(layer.dimension, "component")}`, ...actions]
    : [`${place}: **${layer.kept} of ${layer.dimension} features kept**${needed(layer, metadata)}`, ...actions, ...spectrum(layer, client), features(layer, metadata)];
  lines.push(provenance(result, now));
  if (stale) lines.push("The model file has changed since: analyse it again.");
  return lines.join("\n\n");
}

/** Of the features that are kept, those that the score needs. */
function needed(layer: LayerSummary, { evaluation }: ResultOutline): string {
  if (layer.needed === undefined || !evaluation) return "";
  const what = evaluation.metric === "accuracy" ? "accuracy" : "loss";
  return `; ${layer.needed} ${layer.needed === 1 ? "keeps" : "keep"} the ${what}`;
}

function spectrum(layer: LayerSummary, client: ClientAbilities): string[] {
  // The constant feature (first) is no part of the spectrum: it is there by construction.
  const values = layer.lambda.slice(1);
  const image = client.hoverImages ? spectrumImage(values) : null;
  if (image) return [`![Importance of the features on a logarithmic scale](${image})`];
  const text = sparkline(values);
  return text === "" ? [] : [`Λ ${text}`];
}

function features(layer: LayerSummary, metadata: ResultOutline): string {
  const total = layer.lambda.slice(1).reduce((sum, value) => sum + value, 0);
  const section = metadata.sections.find((candidate) => candidate.from === layer.name);
  const rows = layer.lambda.slice(1, 1 + outlinedFeatures).map((importance, i) => {
    const share = total > 0 ? `${short((100 * importance) / total)} %` : "";
    const label = layer.labels ? [shortLabel(layer.labels[i + 1] ?? "")] : [];
    return [String(i + 1), ...label, short(importance), share, section ? partners(section.strongest, i + 1) : ""];
  });
  if (rows.length === 0) return "Only the constant feature is kept.";
  const next = section ? `strongest partners in ${code(section.to)}` : "partners";
  return table(["feature", ...(layer.labels ? ["label"] : []), "importance", "share", next], rows);
}

/** The strongest part of a label such as "97% cos(36x + 36y)|1% cos(3x)", as text that is not read as markup. */
function shortLabel(label: string): string {
  const strongest = label.split("|")[0]!.trim().slice(0, 60);
  return strongest === "" ? "" : code(strongest);
}

function partners({ source, target, weight }: EdgeList, feature: number): string {
  const found = source.flatMap((from, at) => (from === feature ? [`${target[at]} (${short(weight[at] ?? 0)})`] : []));
  return found.length > 0 ? found.join(", ") : "none stored";
}

/** What can be done with the result, for clients that run commands. */
function links({ file, metadata }: CachedResult, layer: LayerSummary, client: ClientAbilities): string[] {
  if (!client.commandLinks) return [];
  const section = metadata.sections.find((candidate) => candidate.from === layer.name);
  const target: ViewTarget = { uri: uriOf(file), layer: layer.name };
  return [[
    commandLink("Graph", viewCommands.graph, target),
    commandLink("Heatmap", viewCommands.jacobian, section ? { ...target, section: section.index } : target),
    ...(client.trusted && metadata.evaluation ? [commandLink("Ablate…", viewCommands.ablate, target)] : []),
  ].join(" · ")];
}

function provenance({ metadata }: CachedResult, now: number): string {
  const age = ageText(now - Date.parse(metadata.createdAt));
  const score = metadata.evaluation ? ` · ${metadata.evaluation.metric} ${metadata.evaluation.base.toFixed(3)}` : "";
  return `analysed ${age} · ${plural(metadata.samples, "sample")}${score} · ${metadata.precision} · ${metadata.backend.name} · key ${code(metadata.key.slice(0, 12))}`;
}
