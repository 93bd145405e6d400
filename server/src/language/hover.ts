/** @file Hover: facts of the layer or model file under the pointer. It reads what is known and never waits for a computation. */

import { basename } from "node:path";
import { type Hover, MarkupKind } from "vscode-languageserver";
import { viewCommands } from "../protocol/views";
import { type Position, type Range, contains } from "../workspace/facts";
import type { BoundLayer, LinkedReference } from "../workspace/snapshot";
import { uriOf } from "../workspace/uris";
import type { LanguageContext } from "./context";
import { resultTier } from "./hoverResult";
import { boundTier, codeTier } from "./hoverStatic";
import { analyzeTarget } from "./models";
import { code, commandLink, count, plural, prose, toPlainText } from "./markdown";
import { nodeLayerOf } from "./nodeLayers";

/** Checkpoints of one class shown in one hover. */
const shownModels = 3;

export function hover(context: LanguageContext, uri: string, position: Position): Hover | null {
  const { snapshot } = context;
  const bound = snapshot.boundAt(uri, position);
  const first = bound[0];
  if (first) {
    const parts = bound.slice(0, shownModels).map((layer) => layerText(context, layer));
    if (bound.length > shownModels) parts.push(`and ${plural(bound.length - shownModels, "more model")}`);
    return answer(context, parts.join("\n\n---\n\n"), first.place.range);
  }
  const reference = snapshot.references(uri).find((candidate) => contains(candidate.reference.range, position));
  if (reference) return referenceHover(context, reference);
  const layer = snapshot.codeAt(uri, position);
  return layer && answer(context, codeTier(layer, snapshot.ambiguousIn(uri)), layer.place.range);
}

function layerText(context: LanguageContext, layer: BoundLayer): string {
  const path = layer.binding.model;
  const result = context.results.ofModel(path);
  const text = boundTier(layer, context, result !== null);
  const state = context.snapshot.parts.models.get(path);
  if (!result || !state || !("facts" in state)) return text;
  const role = nodeLayerOf(layer.matches.map((match) => match.tensor.name), state.facts.tensors, result.metadata);
  if (!role) return text;
  const stale = state.facts.modified > Date.parse(result.metadata.createdAt);
  return `${text}\n\n---\n\n${resultTier(result, role, context.client, context.now, stale)}`;
}

function referenceHover(context: LanguageContext, { reference, files }: LinkedReference): Hover | null {
  const [path] = files;
  if (reference.what !== "model" || path === undefined) return null;
  const state = context.snapshot.parts.models.get(path);
  if (!state) return null;
  const lines = "facts" in state
    ? [
      `**${code(basename(path))}** · ${state.facts.format} · ${plural(state.facts.tensors.length, "tensor")} · ${count(Math.ceil(state.facts.bytes / 1024))} kB`,
      ...bindingLines(context, path),
    ]
    : [`**${code(basename(path))}** ${prose(state.problem)}`];
  if (files.length > 1) lines.push(`${plural(files.length, "file")} match ${code(reference.path)}.`);
  const result = context.results.ofModel(path);
  if (context.client.commandLinks) {
    if (result) lines.push(commandLink("Graph", viewCommands.graph, { uri: uriOf(result.file) }));
    else if (context.client.trusted && "facts" in state) lines.push(commandLink("Analyze", viewCommands.analyze, analyzeTarget(context.snapshot, path)));
  }
  return answer(context, lines.join("\n\n"), reference.range);
}

function bindingLines(context: LanguageContext, path: string): string[] {
  const found = context.snapshot.parts.bindings.find((binding) => binding.model === path);
  if (!found) return [];
  if (found.bound) {
    const { module, matches } = found.bound;
    return [`${plural(matches.length, "tensor")} bound to ${code(module.name)} in ${code(basename(module.uri))}`];
  }
  const names = found.ambiguous.map(({ module }) => code(module.name)).join(", ");
  return [names ? `Fits several classes equally well: ${names}` : "No class of the workspace fits"];
}

function answer(context: LanguageContext, markdown: string, range: Range): Hover {
  return {
    contents: context.client.markdown
      ? { kind: MarkupKind.Markdown, value: markdown }
      : { kind: MarkupKind.PlainText, value: toPlainText(markdown) },
    range,
  };
}
