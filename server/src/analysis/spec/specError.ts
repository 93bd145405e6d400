/** @file What is wrong with a spec: sentences with places. */

import type { Range } from "./jsonWithComments";

export interface SpecProblem {
  /** One sentence: what is wrong and what to do. */
  message: string;
  /** JSON pointer of the field, such as "/basis/threshold"; empty for the whole file. */
  pointer: string;
  /** Null when the spec did not come from text. */
  range: Range | null;
}

/** A spec that cannot be used. The message names the file, the line and the first problem. */
export class SpecError extends Error {
  override readonly name = "SpecError";

  constructor(readonly file: string, readonly problems: readonly SpecProblem[]) {
    super(sentence(file, problems));
  }
}

function sentence(file: string, problems: readonly SpecProblem[]): string {
  const first = problems[0];
  if (!first) return `${file} is not a usable spec.`;
  const line = first.range ? `, line ${first.range.start.line + 1}` : "";
  const more = problems.length > 1 ? ` (the first of ${problems.length} problems)` : "";
  return `${file}${line}${more}: ${first.message}`;
}
