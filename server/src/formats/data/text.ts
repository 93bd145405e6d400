/** @file Text as token ids: documents one after the other, cut into samples of one length; the label of a position is the token after it. */

import type { DataSpec } from "../../protocol/spec";
import type { Inputs } from "../dataSet";
import { withFile } from "../bytes/fileSource";
import { FormatError } from "../modelFile";
import { openTokenizer, tokenizerFiles } from "../tokenizers/openTokenizer";
import type { TextTokenizer } from "../tokenizers/textTokenizer";
import { dataPath, inputsPath, integerField, mostValues, sampleCount, type DataKindReader, type ReadSignals } from "./dataKind";
import { documents } from "./documents";

const longestContext = 2 ** 20;
const usualContext = 128;

/**
 * Fields: inputs (see documents.ts), inputsName (field or column of the text), tokenizer, contextLength, separator (token before every document; the
 * tokenizer's usual one when absent, "" for none), startToken (token at the start of every sample; none when absent).
 * Every sample is full; what is left at the end is dropped.
 */
export const text: DataKindReader = {
  async files(spec, baseFolder) {
    return [inputsPath(spec, baseFolder), ...await tokenizerFiles(tokenizerPath(spec, baseFolder))];
  },
  async read(spec, baseFolder, signals) {
    const path = inputsPath(spec, baseFolder);
    const tokenizer = await openTokenizer(tokenizerPath(spec, baseFolder));
    const length = integerField(spec, "contextLength", usualContext, 2, longestContext);
    const separator = separatorId(spec, tokenizer);
    const start = specialId(spec, "startToken", tokenizer);
    // With a token of its own in front, a sample holds one token less of the text.
    const stride = start === null ? length : length - 1;
    const most = sampleCount(spec, Math.floor(mostValues / length)) * stride + 1;
    const ids = await tokenStream(path, spec.inputsName, tokenizer, separator, most, signals);
    const count = Math.floor((ids.length - 1) / stride);
    if (count < 1) throw new FormatError(`${path} holds ${ids.length} tokens, too few for one sample of ${length} and its labels; lower "contextLength".`);
    return {
      ...packed(ids, count, length, start, tokenizer.vocabulary),
      description: `${count} samples of ${length} tokens from ${path}, ${tokenizer.format}${separator === null ? "" : `, ${tokenizer.tokenText(separator)} before each document`}`,
      tokenText: (id) => tokenizer.tokenText(id),
    };
  },
};

/**
 * Samples cut from a stream of tokens, one after the other.
 * @param stream at least one token more than the samples hold: the label of the last position
 * @param start token in front of every sample, or null
 * @returns inputs and labels [count, length]
 */
function packed(stream: Int32Array, count: number, length: number, start: number | null, vocabulary: number): { inputs: Inputs; labels: Int32Array } {
  const values = new Int32Array(count * length);
  const labels = new Int32Array(count * length);
  const stride = start === null ? length : length - 1;
  for (let sample = 0; sample < count; sample++) {
    const from = sample * stride;
    const at = sample * length;
    if (start !== null) values[at] = start;
    values.set(stream.subarray(from, from + stride), at + length - stride);
    labels.set(stream.subarray(from + stride + 1 - length, from + stride + 1), at);
  }
  return { inputs: { kind: "tokens", values, count, positions: length, vocabulary }, labels };
}

function tokenizerPath(spec: DataSpec, baseFolder: string): string {
  if (typeof spec.tokenizer !== "string") {
    throw new FormatError("Data of kind \"text\" need the field \"tokenizer\": a tokenizer.json, a vocab.json with merges.txt beside it, a tokenizer.bin of llama2.c, or a folder with one of these, relative to the spec.");
  }
  return dataPath(spec.tokenizer, baseFolder);
}

function separatorId(spec: DataSpec, tokenizer: TextTokenizer): number | null {
  if (spec.separator !== undefined) return specialId(spec, "separator", tokenizer);
  return tokenizer.documentStart === null ? null : tokenizer.idOf(tokenizer.documentStart);
}

function specialId(spec: DataSpec, field: "separator" | "startToken", tokenizer: TextTokenizer): number | null {
  const token = spec[field] ?? "";
  if (token === "") return null;
  const id = tokenizer.idOf(token);
  if (id === null) throw new FormatError(`The tokenizer has no token ${JSON.stringify(token)} (field "${field}"); name one of its vocabulary.`);
  return id;
}

/** The first `most` token ids of all documents. */
async function tokenStream(path: string, field: string | undefined, tokenizer: TextTokenizer, separator: number | null, most: number, signals: ReadSignals): Promise<Int32Array> {
  let ids = new Int32Array(Math.min(most, 2 ** 16));
  let length = 0;
  const add = (added: readonly number[]): void => {
    const used = Math.min(added.length, most - length);
    if (length + used > ids.length) {
      const grown = new Int32Array(Math.min(most, Math.max(length + used, 2 * ids.length)));
      grown.set(ids);
      ids = grown;
    }
    for (let i = 0; i < used; i++) ids[length++] = added[i]!;
  };
  await withFile(path, async (source) => {
    for await (const piece of documents(source, field)) {
      signals.checkCancelled();
      if (piece.startsDocument && separator !== null) add([separator]);
      add(tokenizer.encode(piece.text));
      if (length >= most) break;
    }
  });
  return ids.subarray(0, length);
}
