/** @file What each kind of data set provides to `readDataSet`. */

import { resolve } from "node:path";
import type { DataSpec } from "../../protocol/spec";
import type { DataSet } from "../dataSet";
import { FormatError } from "../modelFile";

export interface RawDataSet extends Omit<DataSet, "identity"> {
  /** The split that was chosen, where the kind has splits of its own. */
  readonly split?: DataSpec["split"];
}

export interface ReadSignals {
  /** Throws when the run was cancelled; called between pieces of work. */
  checkCancelled(): void;
}

export interface DataKindReader {
  /** Absolute paths of all files that the data set depends on. @throws FormatError when the spec lacks a field. */
  files(spec: DataSpec, baseFolder: string): Promise<readonly string[]>;
  /** @throws FormatError when a file or field of the spec is wrong. */
  read(spec: DataSpec, baseFolder: string, signals: ReadSignals): Promise<RawDataSet>;
}

/** Most numbers that one data set may hold in memory: 4 GiB of float32. */
export const mostValues = 2 ** 30;

/** A path of the spec as an absolute one; relative paths start at the spec's folder. @throws FormatError for addresses that are no path. */
export function dataPath(path: string, baseFolder: string): string {
  if (path === "" || path.includes("\0") || /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) {
    throw new FormatError(`${JSON.stringify(path)} is not a path of a file; data are read from local files only.`);
  }
  return resolve(baseFolder, path);
}

/** @throws FormatError when the spec does not name the input file. */
export function inputsPath(spec: DataSpec, baseFolder: string): string {
  if (typeof spec.inputs !== "string") throw new FormatError(`Data of kind "${spec.kind}" need the field "inputs": the path of a file, relative to the spec.`);
  return dataPath(spec.inputs, baseFolder);
}

export function labelsPath(spec: DataSpec, baseFolder: string): string | null {
  return typeof spec.labels === "string" ? dataPath(spec.labels, baseFolder) : null;
}

/** Input and label files of the kinds whose fields name one file each. */
export function namedFiles(spec: DataSpec, baseFolder: string): Promise<readonly string[]> {
  const labels = labelsPath(spec, baseFolder);
  const inputs = inputsPath(spec, baseFolder);
  return Promise.resolve(labels === null || labels === inputs ? [inputs] : [inputs, labels]);
}

/**
 * A whole number of the spec, `fallback` when absent.
 * @throws FormatError naming the field when it is not an integer in [least, most]
 */
export function integerField(spec: DataSpec, field: "modulus" | "seed" | "limit" | "size" | "width" | "contextLength", fallback: number, least: number, most: number): number {
  const value = spec[field] ?? fallback;
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new FormatError(`The field "${field}" of data "${spec.kind}" is ${String(value)}; give a whole number from ${least} to ${most}.`);
  }
  return value;
}

/** How many of `available` samples are used. */
export function sampleCount(spec: DataSpec, available: number): number {
  return Math.min(available, integerField(spec, "limit", available, spec.limit === undefined ? 0 : 1, Number.MAX_SAFE_INTEGER));
}
