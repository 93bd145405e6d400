/** @file Token ids of a file as inputs, and the next token as the label of every position. */

import type { Inputs } from "../dataSet";
import { FormatError } from "../modelFile";
import { mostValues } from "./dataKind";

/**
 * Token ids [count, positions]. The vocabulary is as large as the largest id of all values demands, so that it does not depend on `limit`.
 * @param values at least count * positions numbers, row-major
 * @throws FormatError for what is no token id
 */
export function tokenInputs(values: ArrayLike<number>, count: number, positions: number, where: string): Inputs {
  if (count === 0 || positions === 0 || count * positions > mostValues) throw new FormatError(`${where} holds ${count} x ${positions} token ids; name another array or set "limit".`);
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const id = values[i]!;
    if (!(id >= 0 && id <= 0x7ffffffe && Number.isInteger(id))) throw new FormatError(`${where} holds ${id}, which is no token id; give "tokens": false if these are numbers, not tokens.`);
    if (id > largest) largest = id;
  }
  const ids = new Int32Array(count * positions);
  for (let i = 0; i < ids.length; i++) ids[i] = values[i]!;
  return { kind: "tokens", values: ids, count, positions, vocabulary: largest + 1 };
}

/** Tokens [count, T + 1] as inputs [count, T] and labels [count, T]: after position t comes token t + 1. @throws FormatError without tokens */
export function nextTokens(inputs: Inputs, where: string): { inputs: Inputs; labels: Int32Array } {
  if (inputs.kind !== "tokens") throw new FormatError(`${where} holds numbers, not token ids, so there is no next token; remove "nextToken", or say "tokens": true.`);
  const { count, positions } = inputs;
  if (positions < 2) throw new FormatError(`${where} has one token per sample, so there is no next token; remove "nextToken".`);
  const length = positions - 1;
  const values = new Int32Array(count * length);
  const labels = new Int32Array(count * length);
  for (let sample = 0; sample < count; sample++) {
    const row = inputs.values.subarray(sample * positions, (sample + 1) * positions);
    values.set(row.subarray(0, length), sample * length);
    labels.set(row.subarray(1), sample * length);
  }
  return { inputs: { ...inputs, values, positions: length }, labels };
}
