/**
 * @file What the features of a result respond to, as it was found last in every basis, in `<key>.labels.json` beside the result: with the shares and
 * profiles that the text file beside the spec has no column for. The answers in one file are of one kind, so that they compare.
 */

import { readFile, stat } from "node:fs/promises";
import { parseJsonObject } from "../../formats/bytes/boundedJson";
import { writeFileAtomically } from "../../formats/bytes/atomicFile";
import { FormatError } from "../../formats/modelFile";
import type { FoundLabels, GroupMean, LabelKind, LabelledLayer, LabelsAnswer } from "../../protocol/labels";
import type { BasisName, ResultMetadata } from "../../protocol/result";
import { usualLabelKind } from "../labelKind";

const format = "lib-lens-labels";
const limits = { bytes: 64 << 20, text: 1000 };
const kinds: readonly unknown[] = ["fourier", "class", "position", "token"];
const bases: readonly BasisName[] = ["lib", "pca", "neuron"];

export const foundLabelsFile = (result: string): string => `${result.replace(/\.libresult$/, "")}.labels.json`;

/**
 * What was found for a result; nothing when nothing was looked for, or when the file belongs to another key.
 * @throws FormatError for a damaged file.
 */
export async function readFound(result: string, key: string): Promise<FoundLabels[]> {
  const file = foundLabelsFile(result);
  const size = (await stat(file).catch(() => null))?.size;
  if (size === undefined) return [];
  const damaged = (what: string): FormatError => new FormatError(`${file} ${what}: delete it and look for labels again.`);
  if (size > limits.bytes) throw damaged(`has ${size} bytes, more than ${limits.bytes}`);
  const root = parseJsonObject(await readFile(file), damaged);
  if (root["format"] !== format || root["version"] !== 1) throw damaged("holds no labels of this version of LIB Lens");
  if (root["key"] !== key) return [];
  const { found } = root;
  if (!Array.isArray(found) || found.length > bases.length || !found.every(isFound)) throw damaged("is damaged");
  return found;
}

/** Labels of one kind in one basis, where they were found before for exactly this result; null: they have to be found, also in the place of a damaged file. */
export async function storedLabels(result: string, metadata: ResultMetadata, kind: LabelKind | "auto", basis: BasisName): Promise<LabelsAnswer | null> {
  const found = (await readFound(result, metadata.key).catch(() => [])).find((one) => one.basis === basis)?.labels;
  if (!found || found.kind !== (kind === "auto" ? usualLabelKind(metadata) : kind)) return null;
  const known = new Set(metadata.layers.map(({ name }) => name));
  return found.layers.every(({ name }) => known.has(name)) ? found : null;
}

/** Puts an answer in the place of that in the same basis; answers of another kind go. One with a number that JSON has no word for is not kept. */
export async function addFound(result: string, key: string, { basis, labels }: FoundLabels): Promise<void> {
  if (!isAnswer(labels)) return;
  const known = await readFound(result, key).catch(() => []);
  const { kind, layers } = labels;
  const found: FoundLabels[] = [...known.filter((one) => one.basis !== basis && one.labels.kind === kind), { basis, labels: { kind, layers } }];
  const text = `${JSON.stringify({ format, version: 1, key, found })}\n`;
  await writeFileAtomically(foundLabelsFile(result), (append) => append(new TextEncoder().encode(text)));
}

const isFields = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isText = (value: unknown): value is string => typeof value === "string" && value.length <= limits.text;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const isFound = (value: unknown): value is FoundLabels => isFields(value) && bases.includes(value["basis"] as BasisName) && isAnswer(value["labels"]);

const isAnswer = (value: unknown): value is LabelsAnswer => isFields(value) && kinds.includes(value["kind"]) && Array.isArray(value["layers"]) && value["layers"].every(isLayer);

/** As many labels as shares and, where there are any, profiles. */
function isLayer(value: unknown): value is LabelledLayer {
  if (!isFields(value)) return false;
  const { name, labels, explained, profile } = value;
  return isText(name) && Array.isArray(labels) && labels.every(isText) && Array.isArray(explained) && explained.length === labels.length && explained.every(Number.isFinite)
    && (profile === undefined || Array.isArray(profile) && profile.length === labels.length && profile.every((groups) => Array.isArray(groups) && groups.every(isGroup)));
}

const isGroup = (value: unknown): value is GroupMean => isFields(value) && isCount(value["group"]) && isCount(value["count"])
  && Number.isFinite(value["mean"]) && Number.isFinite(value["deviation"]) && (value["text"] === undefined || isText(value["text"]));
