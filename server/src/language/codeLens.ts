/** @file Code lenses above classes that a model is bound to: what the model is, and the way to its result or analysis. */

import { basename } from "node:path";
import type { CodeLens, Range } from "vscode-languageserver";
import { viewCommands } from "../protocol/views";
import type { Binding } from "../workspace/binding/binding";
import { uriOf } from "../workspace/uris";
import type { LanguageContext } from "./context";
import { analyzeTarget } from "./models";
import { ageText, plural } from "./markdown";

const shownModels = 3;

/** Nothing without commands: a lens that cannot be clicked is only noise. */
export function codeLenses(context: LanguageContext, uri: string): CodeLens[] {
  if (!context.client.commandLinks) return [];
  return [...classLenses(context, uri), ...referenceLenses(context, uri)];
}

function classLenses(context: LanguageContext, uri: string): CodeLens[] {
  const facts = context.snapshot.parts.documents.get(uri);
  if (!facts) return [];
  const bindings = context.snapshot.parts.bindings.flatMap(({ bound }) => (bound?.module.uri === uri ? [bound] : []));
  return facts.modules.flatMap((module) => bindings
    .filter((binding) => binding.module.name === module.name)
    .slice(0, shownModels)
    .flatMap((binding) => lensOf(context, binding.model, module.range, describe(binding))));
}

/** References of models that no class explains have no other place for their result. */
function referenceLenses(context: LanguageContext, uri: string): CodeLens[] {
  const unbound = new Set(context.snapshot.parts.bindings.filter(({ bound }) => !bound).map(({ model }) => model));
  return context.snapshot.references(uri).flatMap(({ reference, files, fromSpec }) => {
    const [path] = files;
    if (path === undefined || reference.what !== "model" || fromSpec) return [];
    const hasResult = context.results.ofModel(path) !== null;
    return unbound.has(path) && hasResult ? lensOf(context, path, reference.range, basename(path)) : [];
  });
}

function lensOf(context: LanguageContext, model: string, range: Range, text: string): CodeLens[] {
  const result = context.results.ofModel(model);
  if (result) {
    const age = ageText(context.now - Date.parse(result.metadata.createdAt));
    return [{ range, command: { title: `LIB graph · ${text} · ${age}`, command: viewCommands.graph, arguments: [{ uri: uriOf(result.file) }] } }];
  }
  if (!context.client.trusted) return [];
  return [{ range, command: { title: `LIB: analyze · ${text}`, command: viewCommands.analyze, arguments: [analyzeTarget(context.snapshot, model)] } }];
}

function describe({ model, matches }: Binding): string {
  return `${basename(model)}, ${plural(matches.length, "tensor")} bound`;
}
