/** @file The split of data that come as one piece: by a seeded permutation, or told by the name of the file. */

import { basename, dirname } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import type { Inputs } from "../dataSet";
import { FormatError } from "../modelFile";
import { integerField, sampleCount, type RawDataSet } from "./dataKind";
import { randomPermutation } from "./mersenneTwister";

/** Whether `fracTrain` divides the samples; modular addition does so itself. */
export function isDivided(spec: DataSpec): boolean {
  return spec.fracTrain !== undefined && spec.kind !== "modular-addition";
}

/**
 * The samples of one split: with n samples, "train" is the first floor(fracTrain * n) entries of the seeded permutation, "test" the rest,
 * both in its order (method section 1.7); "all", or no split, is everything in natural order. `limit` counts within the split.
 * @param whole all samples
 * @throws FormatError when the split is empty or the data have splits of their own
 */
export function dividedData(whole: RawDataSet, spec: DataSpec): RawDataSet {
  if (whole.split !== undefined) throw new FormatError(`Data of kind "${spec.kind}" have splits of their own: choose with "split" and remove "fracTrain".`);
  const fraction = spec.fracTrain!;
  if (!(fraction >= 0 && fraction <= 1)) throw new FormatError(`The field "fracTrain" is ${String(fraction)}; give a number from 0 to 1.`);
  const { count } = whole.inputs;
  const rows = spec.split === undefined || spec.split === "all" ? Int32Array.from({ length: count }, (_, i) => i) : splitRows(count, fraction, spec);
  if (rows.length === 0) throw new FormatError(`The ${spec.split ?? "all"} split is empty with "fracTrain" ${fraction}; choose another fraction or split.`);
  return chosenRows(whole, rows.subarray(0, sampleCount(spec, rows.length)), `, ${spec.split ?? "all"} with fracTrain ${fraction}`);
}

function splitRows(count: number, fraction: number, spec: DataSpec): Int32Array {
  const order = randomPermutation(count, integerField(spec, "seed", 0, 0, 0xffffffff));
  const train = Math.floor(fraction * count);
  return spec.split === "train" ? order.subarray(0, train) : order.subarray(train);
}

function chosenRows(whole: RawDataSet, rows: Int32Array, how: string): RawDataSet {
  const { inputs, labels } = whole;
  return { ...whole, inputs: chosenInputs(inputs, rows), labels: labels && take(labels, labels.length / inputs.count, rows, new Int32Array(rows.length * labels.length / inputs.count)), description: `${whole.description}${how}: ${rows.length}` };
}

function chosenInputs(inputs: Inputs, rows: Int32Array): Inputs {
  if (inputs.kind === "vectors") return { ...inputs, count: rows.length, values: take(inputs.values, inputs.width, rows, new Float32Array(rows.length * inputs.width)) };
  if (inputs.kind === "bytes") return { ...inputs, count: rows.length, values: take(inputs.values, inputs.width, rows, new Uint8Array(rows.length * inputs.width)) };
  return { ...inputs, count: rows.length, values: take(inputs.values, inputs.positions, rows, new Int32Array(rows.length * inputs.positions)) };
}

function take<T extends Float32Array | Uint8Array | Int32Array>(values: T, width: number, rows: Int32Array, out: T): T {
  rows.forEach((row, i) => { out.set(values.subarray(row * width, (row + 1) * width), i * width); });
  return out;
}

/**
 * Data without a split of their own and without `fracTrain`: a split that is asked for must be the one that the file's name says.
 * @throws FormatError else
 */
export function checkNamedSplit(spec: DataSpec): void {
  const { split } = spec;
  if (split === undefined || split === "all") return;
  const said = spec.inputs === undefined ? null : namedSplit(basename(spec.inputs)) ?? namedSplit(basename(dirname(spec.inputs)));
  if (said === split) return;
  throw new FormatError(said === null
    ? `Data of kind "${spec.kind}" have no split of their own: give "fracTrain" to divide them, or remove "split": ${JSON.stringify(split)}.`
    : `The spec asks for the ${split} split, but ${spec.inputs} is named after the ${said} split; correct one of them, or give "fracTrain" to divide the file.`);
}

/** "train-images.gz" -> "train", "x_test.npy" -> "test". */
function namedSplit(name: string): "train" | "test" | null {
  const found = /(?:^|[^a-z])(train|training|test|testing|t10k)(?:[^a-z]|$)/i.exec(name)?.[1]?.toLowerCase();
  return found === undefined ? null : found.startsWith("train") ? "train" : "test";
}
