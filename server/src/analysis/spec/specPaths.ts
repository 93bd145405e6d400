/** @file The paths in a spec. A stored result keeps them relative to itself, so that a folder can be moved as a whole. */

import { isAbsolute, relative, resolve, sep } from "node:path";
import type { AnalysisSpec, DataSpec } from "../../protocol/spec";

/** The same spec with every path replaced. */
export function withPaths(spec: AnalysisSpec, change: (path: string) => string): AnalysisSpec {
  const data = (one: DataSpec): DataSpec => ({
    ...one,
    ...(one.inputs !== undefined ? { inputs: change(one.inputs) } : {}),
    ...(one.labels !== undefined ? { labels: change(one.labels) } : {}),
    ...(one.tokenizer !== undefined ? { tokenizer: change(one.tokenizer) } : {}),
  });
  const { evaluation } = spec;
  return {
    ...spec,
    model: change(spec.model),
    data: data(spec.data),
    ...(spec.bases ? { bases: Object.fromEntries(Object.entries(spec.bases).map(([layer, basis]) => [layer, { ...basis, file: change(basis.file) }])) } : {}),
    ...(evaluation ? { evaluation: { ...evaluation, ...(evaluation.data ? { data: data(evaluation.data) } : {}) } } : {}),
  };
}

/** Relative to `from` -> relative to `to`, with forward slashes; absolute where no relative path exists (another drive). */
export function rebased(path: string, from: string, to: string): string {
  const moved = relative(to, resolve(from, path));
  return isAbsolute(moved) ? moved : moved.split(sep).join("/");
}
