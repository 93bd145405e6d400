/** @file Reads the data set that a spec describes. */

import { createHash } from "node:crypto";
import type { DataKind, DataSpec } from "../protocol/spec";
import type { DataSet } from "./dataSet";
import { FormatError } from "./modelFile";
import { withFile } from "./bytes/fileSource";
import { arrays } from "./data/arrays";
import { blockVectors } from "./data/blockVectors";
import { cifar10 } from "./data/cifar10";
import { csv } from "./data/csv";
import { images } from "./data/images";
import type { DataKindReader, RawDataSet, ReadSignals } from "./data/dataKind";
import { fieldsOfKind, foreignFields } from "./data/fields";
import { idx } from "./data/idx";
import { modularAddition } from "./data/modularAddition";
import { parquet } from "./data/parquet";
import { checkNamedSplit, dividedData, isDivided } from "./data/splits";
import { text } from "./data/text";

const readers: ReadonlyMap<DataKind, DataKindReader> = new Map<DataKind, DataKindReader>([
  ["modular-addition", modularAddition],
  ["block-vectors", blockVectors],
  ["idx", idx],
  ["cifar10-binary", cifar10],
  ["npy", arrays],
  ["npz", arrays],
  ["safetensors", arrays],
  ["csv", csv],
  ["parquet", parquet],
  ["images", images],
  ["text", text],
]);

/** Fields that only say where files lie. */
const pathFields: ReadonlySet<string> = new Set(["inputs", "labels", "tokenizer"]);

const never: ReadSignals = { checkCancelled: () => undefined };

const hashedAtOnce = 2 ** 22;

/** SHA-256 of a file's bytes, in hex. Callers may bring one that remembers. */
export type HashFile = (path: string) => Promise<string>;

/**
 * Reads a data set.
 * @param baseFolder folder of the spec: relative paths start there
 * @param split replaces the spec's own split
 * @throws FormatError when a field or file is wrong; it names the resolved path
 */
export async function readDataSet(
  spec: DataSpec, baseFolder: string, split?: DataSpec["split"], hashFile?: HashFile, signals: ReadSignals = never,
): Promise<DataSet> {
  const chosen = split === undefined ? spec : { ...spec, split };
  const data = await readSplit(chosen, baseFolder, signals);
  return { ...without(data, "split"), identity: await dataSetIdentity(chosen, baseFolder, hashFile) };
}

/** A split is never ignored: the kind has it, `fracTrain` makes it, or the name of the file says it. */
async function readSplit(spec: DataSpec, baseFolder: string, signals: ReadSignals): Promise<RawDataSet> {
  const reader = readerOf(spec);
  if (isDivided(spec)) {
    return dividedData(await reader.read(without(spec, "split", "limit"), baseFolder, signals), spec);
  }
  const data = await reader.read(spec, baseFolder, signals);
  if (data.split === undefined) checkNamedSplit(spec);
  return data;
}

/**
 * The `identity` of a data set without reading it: a hash of all fields of the spec but the paths, and of the contents of its files.
 * @throws FormatError as readDataSet does for missing fields and files
 */
export async function dataSetIdentity(spec: DataSpec, baseFolder: string, hashFile: HashFile = sha256OfFile): Promise<string> {
  const files = await readerOf(spec).files(spec, baseFolder);
  const fields = Object.entries(spec).filter(([field, value]) => !pathFields.has(field) && value !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  const contents: string[] = [];
  for (const file of files) contents.push(await hashFile(file));
  return createHash("sha256").update(JSON.stringify({ fields, contents })).digest("hex");
}

function without<T extends object, K extends keyof T>(value: T, ...fields: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([field]) => !fields.some((one) => one === field))) as Omit<T, K>;
}

function readerOf(spec: DataSpec): DataKindReader {
  const reader = readers.get(spec.kind);
  if (reader === undefined) {
    throw new FormatError(`Data of kind ${JSON.stringify(spec.kind)} are not read; convert them to one of these: ${[...readers.keys()].join(", ")}.`);
  }
  const foreign = foreignFields(spec)[0];
  if (foreign !== undefined) throw new FormatError(`The field "${foreign}" means nothing for data of kind "${spec.kind}"; remove it. Known are: ${fieldsOfKind(spec.kind).join(", ")}.`);
  return reader;
}

function sha256OfFile(path: string): Promise<string> {
  return withFile(path, async (source) => {
    const hash = createHash("sha256");
    for (let offset = 0; offset < source.size; offset += hashedAtOnce) {
      hash.update(await source.read(offset, Math.min(hashedAtOnce, source.size - offset)));
    }
    return hash.digest("hex");
  });
}
