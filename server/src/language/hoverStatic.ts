/** @file The static tier of a hover: the tensors of a line, or what the code alone tells. */

import { basename } from "node:path";
import { viewCommands } from "../protocol/views";
import type { CodeLayer } from "../workspace/binding/bindWorkspace";
import type { Match } from "../workspace/binding/matching";
import type { LayerPlace } from "../workspace/binding/parameterPatterns";
import type { ModelBinding } from "../workspace/binding/binding";
import type { ModelCache } from "../workspace/modelCache";
import type { BoundLayer } from "../workspace/snapshot";
import type { LanguageContext } from "./context";
import { disagreementOf } from "./disagreement";
import { analyzeTarget } from "./models";
import { code, commandLink, count, plural, prose, shapeText, short, table } from "./markdown";

const shownTensors = 8;

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function title(place: LayerPlace): string {
  return `**${code(place.callee)}** in ${code(place.owner)}`;
}

/** Buffers are stored, but nothing trains them. */
function isParameter({ tensor, pattern }: Match): boolean {
  return pattern.place.callee !== "register_buffer" && !/(^|\.)(running_mean|running_var|num_batches_tracked)$/.test(tensor.name);
}

export function boundTier(layer: BoundLayer, { models, client, snapshot }: LanguageContext, hasResult: boolean): string {
  const { matches, binding } = layer;
  const total = matches.filter(isParameter).reduce((sum, { tensor }) => sum + elements(tensor.shape), 0);
  const prefix = binding.prefix ? `, stored below ${code(binding.prefix)}` : "";
  const parameters = `${plural(total, "parameter")} in ${code(basename(binding.model))}${prefix}`;
  const disagreement = disagreementOf(layer);
  const warning = disagreement ? [`⚠ ${prose(disagreement.text)}`] : [];
  // A hover is low: what the analysis found must be seen without scrolling.
  if (hasResult) return [`${title(layer.place)} · ${parameters}`, compact(matches, models, binding.model), ...warning].join("\n\n");
  const rows = matches.slice(0, shownTensors).map(({ tensor }) => [
    code(tensor.name), shapeText(tensor.shape), tensor.dtype, count(elements(tensor.shape)), rankText(models, binding.model, tensor.name),
  ]);
  const lines = [
    title(layer.place),
    rows.some((row) => row[4] !== "")
      ? table(["tensor", "shape", "type", "values", "effective rank"], rows)
      : table(["tensor", "shape", "type", "values"], rows.map((row) => row.slice(0, 4))),
  ];
  if (matches.length > shownTensors) lines.push(`and ${plural(matches.length - shownTensors, "more tensor")}`);
  lines.push(parameters, ...warning);
  if (client.commandLinks && client.trusted) {
    lines.push(`Not analysed yet · ${commandLink("Analyze", viewCommands.analyze, analyzeTarget(snapshot, binding.model))}`);
  }
  return lines.join("\n\n");
}

const shownInOneLine = 4;

/** The tensors in one line. */
function compact(matches: readonly Match[], models: ModelCache, model: string): string {
  const texts = matches.slice(0, shownInOneLine).map(({ tensor }) => {
    const rank = rankText(models, model, tensor.name);
    return `${code(tensor.name)} ${shapeText(tensor.shape)} ${tensor.dtype}${rank === "" ? "" : `, effective rank ${rank}`}`;
  });
  if (matches.length > shownInOneLine) texts.push(plural(matches.length - shownInOneLine, "more tensor"));
  return texts.join(" · ");
}

/** "61 of 100" when it is known; a hover never waits for it. */
function rankText(models: ModelCache, path: string, tensor: string): string {
  const rank = models.knownRank(path, tensor);
  return rank ? `${short(rank.effective)} of ${rank.most}` : "";
}

/** What the code says where no checkpoint is bound. */
export function codeTier(layer: CodeLayer, ambiguous: readonly ModelBinding[]): string {
  const known = layer.expected.every(({ shape }) => shape?.every((size) => size !== null) ?? false);
  const total = layer.expected.reduce((sum, { shape }) => sum + elements((shape ?? []).map((size) => size ?? 0)), 0);
  const lines = [title(layer.place)];
  if (layer.expected.length > 0) {
    lines.push(table(["tensor", "shape in code"], layer.expected.slice(0, shownTensors).map(({ name, shape }) => [code(name), shape ? shapeText(shape) : "?"])));
    if (known) lines.push(`${plural(total, "parameter")} in code`);
  }
  lines.push(...ambiguous.map(ambiguityText));
  if (ambiguous.length === 0) lines.push("No model file that the workspace refers to fits this class.");
  return lines.join("\n\n");
}

function ambiguityText({ model, ambiguous }: ModelBinding): string {
  const names = ambiguous.map(({ module }) => `${code(module.name)} (${basename(module.uri)})`).join(", ");
  return `${code(basename(model))} fits several classes equally well: ${names}. Nothing is bound.`;
}
