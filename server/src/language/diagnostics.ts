/** @file Diagnostics: code and checkpoint disagree, a named file is missing or unreadable, a spec has mistakes. */

import { basename } from "node:path";
import { type Diagnostic, DiagnosticSeverity, type Range } from "vscode-languageserver";
import { specProblems } from "../analysis/spec/parseSpec";
import { hasWildcard } from "../workspace/files/glob";
import { placeKey } from "../workspace/binding/bindWorkspace";
import type { LinkedReference } from "../workspace/snapshot";
import type { LanguageContext } from "./context";
import { disagreementOf } from "./disagreement";

const source = "LIB Lens";
const start: Range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };

/** @param specText text of the document when it is an analysis spec */
export function diagnostics(context: LanguageContext, uri: string, specText: string | null): Diagnostic[] {
  return [
    ...shapeDiagnostics(context, uri),
    ...context.snapshot.references(uri).flatMap((reference) => referenceDiagnostics(context, reference)),
    ...(specText === null ? [] : specDiagnostics(specText)),
  ];
}

/** One per line of code, however many checkpoints disagree with it. */
function shapeDiagnostics(context: LanguageContext, uri: string): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const layer of context.snapshot.boundLayers(uri)) {
    const disagreement = disagreementOf(layer);
    const key = placeKey(layer.place);
    if (!disagreement || found.has(key)) continue;
    found.set(key, { range: layer.place.range, severity: DiagnosticSeverity.Warning, source, code: "shape", message: disagreement.text });
  }
  return [...found.values()];
}

function referenceDiagnostics(context: LanguageContext, { reference, files, expected, fromSpec }: LinkedReference): Diagnostic[] {
  if (reference.how === "save") return [];
  const [path] = files;
  if (path === undefined) {
    // A configuration may name what another machine has; code that loads it will fail here.
    if (reference.how !== "load" || hasWildcard(reference.path) || expected === null || reference.what !== "model") return [];
    return [{
      range: reference.range, source, code: "missing-model",
      severity: fromSpec ? DiagnosticSeverity.Warning : DiagnosticSeverity.Hint,
      message: `${reference.path} does not exist in the workspace (looked for ${expected}).`,
    }];
  }
  const state = reference.what === "model" && reference.how === "load" ? context.snapshot.parts.models.get(path) : undefined;
  if (!state || "facts" in state) return [];
  return [{
    range: reference.range, source, code: "unreadable-model", severity: DiagnosticSeverity.Information,
    message: `${basename(path)}: ${state.problem}`,
  }];
}

function specDiagnostics(text: string): Diagnostic[] {
  return specProblems(text).map((problem) => ({
    range: problem.range ?? start, source, code: "spec", severity: DiagnosticSeverity.Error, message: problem.message,
  }));
}
