/** @file Text and tokenizer of a language model, looked for beside it. */

import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import type { DataSpec } from "../../protocol/spec";

/** Samples and tokens per sample of a first analysis. */
const firstSamples = 100;
const firstContext = 128;

const tokenizers = [/^tokenizer\.json$/, /^vocab\.json$/, /^tok(enizer|\d+)\.bin$/];

/** Files that belong to a tokenizer or a repository rather than being data. */
const noData = /^(merges|vocab|requirements|license|readme|notice)\b/i;

/**
 * Path of the tokenizer beside a model's weights, relative to the folder of the spec; null when there is none.
 * @param weights folder of the weights: another than that of the spec when the model is a folder
 */
export async function tokenizerBeside(weights: string, specFolder: string): Promise<string | null> {
  const names = await filesOf(weights);
  const name = tokenizers.map((pattern) => names.find((one) => pattern.test(one))).find((one) => one !== undefined);
  return name === undefined ? null : relative(specFolder, join(weights, name));
}

/** The only text beside the weights or in a folder "data" there, as a data spec; null without one or without a tokenizer. */
export async function inferText(weights: string, specFolder: string): Promise<DataSpec | null> {
  const tokenizer = await tokenizerBeside(weights, specFolder);
  if (tokenizer === null) return null;
  for (const place of [weights, join(weights, "data")]) {
    const texts = (await filesOf(place)).filter((name) => /\.(txt|jsonl)$/i.test(name) && !noData.test(name));
    if (texts.length === 1) return textSpec(relative(specFolder, join(place, texts[0]!)), tokenizer, firstContext);
  }
  return null;
}

/** @param positions the most tokens that the network takes */
export function textSpec(inputs: string, tokenizer: string, positions: number): DataSpec {
  return { kind: "text", inputs, tokenizer, contextLength: Math.min(positions, firstContext), limit: firstSamples };
}

/** Sorted, so that the answer does not depend on the file system. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name).sort();
}
