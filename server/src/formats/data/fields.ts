/** @file Which fields of a data spec belong to which kind: a field that would be ignored is refused. */

import type { DataKind, DataSpec } from "../../protocol/spec";

type Field = keyof DataSpec;

const everywhere: readonly Field[] = ["kind", "limit", "split", "fracTrain", "seed"];
const numbers: readonly Field[] = ["scale", "mean", "std"];
const tokens: readonly Field[] = ["tokens", "nextToken"];
const arrays: readonly Field[] = ["inputs", "labels", "inputsName", "labelsName", ...numbers, ...tokens];

const ofKind: Readonly<Record<DataKind, readonly Field[]>> = {
  "modular-addition": ["modulus"],
  "block-vectors": ["size", "width", ...numbers],
  "idx": ["inputs", "labels", ...numbers],
  "cifar10-binary": ["inputs", ...numbers],
  "npy": arrays,
  "npz": arrays,
  "safetensors": arrays,
  "csv": ["inputs", "labelsName", ...numbers, ...tokens],
  "parquet": ["inputs", "inputsName", "labelsName", ...numbers, ...tokens],
  "images": ["inputs", ...numbers],
  "text": ["inputs", "inputsName", "tokenizer", "contextLength", "separator", "startToken"],
};

/** Fields of the spec that its kind does not know. */
export function foreignFields(spec: DataSpec): readonly string[] {
  const known = new Set<string>(fieldsOfKind(spec.kind));
  return Object.entries(spec).filter(([field, value]) => value !== undefined && !known.has(field)).map(([field]) => field);
}

export function fieldsOfKind(kind: DataKind): readonly string[] {
  return [...everywhere, ...ofKind[kind]];
}
