/**
 * @file tokenizer.bin of llama2.c: int32 length of the longest token, then per token a float32 score, an int32 length and its bytes.
 * Encoding is that of SentencePiece's BPE: of all neighbouring pairs that are a token together, the one of the highest score is merged first.
 */

import { FormatError } from "../modelFile";
import { mergePairs, type Merge } from "./mergePairs";
import type { TextTokenizer } from "./textTokenizer";

const mostTokens = 2 ** 20;
const longestToken = 2 ** 12;
const beginOfText = 1;
/** Ids 3 to 258 stand for single bytes; text that is no token of its own is written with them. */
const firstByte = 3;
const byteTokens = 256;

/** A plausible longest token, and a first token that fits into it: JSON never begins so. */
export function looksLikeLlama2Tokenizer(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const longest = view.getInt32(0, true);
  const first = view.getInt32(8, true);
  return longest > 0 && longest <= longestToken && first >= 0 && first <= longestToken;
}

interface Vocabulary {
  /** One character per byte. */
  readonly tokens: readonly string[];
  readonly scores: readonly number[];
}

/** @throws FormatError when the file is damaged or lacks the tokens of single bytes */
export function llama2Tokenizer(bytes: Uint8Array, name: string): TextTokenizer {
  const { tokens, scores } = readVocabulary(bytes, name);
  const ids = new Map<string, number>();
  tokens.forEach((token, id) => { if (!ids.has(token)) ids.set(token, id); });
  for (let byte = 0; byte < byteTokens; byte++) {
    if (tokens[firstByte + byte] !== byteToken(byte)) throw new FormatError(`${name}: token ${firstByte + byte} is not ${byteToken(byte)}; only tokenizers with the usual byte tokens are read.`);
  }
  const toBytes = (id: number): string => {
    const token = tokens[id];
    if (token === undefined) throw new FormatError(`${name} has no token ${id}; ids go from 0 to ${tokens.length - 1}.`);
    return id >= firstByte && id < firstByte + byteTokens ? String.fromCharCode(id - firstByte) : token;
  };
  const merges = remembered((left, right) => {
    const id = ids.get(tokens[left]! + tokens[right]!);
    // Text that spells a special token stays text.
    return id === undefined || id < firstByte + byteTokens ? null : { merged: id, order: -scores[id]! };
  });
  return {
    format: "llama2.c tokenizer",
    vocabulary: tokens.length,
    documentStart: "<s>",
    idOf: (token) => (token === "<s>" ? beginOfText : token === "</s>" ? beginOfText + 1 : ids.get(utf8Bytes(token)) ?? null),
    encode: (text) => (text === "" ? [] : mergePairs(symbols(` ${text}`, ids), merges)),
    decode(given) {
      const text = (given[0] === beginOfText ? given.slice(1) : given).map(toBytes).join("");
      // `encode` puts a space before the text.
      return utf8Text(text.startsWith(" ") ? text.slice(1) : text);
    },
    tokenText: (id) => (id < firstByte ? tokens[id]!.trim() : readable(toBytes(id), tokens[id]!)),
  };
}

/** The same with every answer kept: texts ask for few pairs, and often, and each answer joins two strings. */
function remembered(mergeOf: (left: number, right: number) => Merge | null): (left: number, right: number) => Merge | null {
  const known = new Map<number, Map<number, Merge | null>>();
  return (left, right) => {
    let ofLeft = known.get(left);
    if (ofLeft === undefined) known.set(left, ofLeft = new Map());
    let merge = ofLeft.get(right);
    if (merge === undefined) ofLeft.set(right, merge = mergeOf(left, right));
    return merge;
  };
}

/** One token per character where there is one, else one per byte. */
function symbols(text: string, ids: ReadonlyMap<string, number>): number[] {
  const out: number[] = [];
  for (const character of text) {
    const bytes = utf8Bytes(character);
    const id = ids.get(bytes);
    if (id !== undefined) out.push(id);
    else for (let i = 0; i < bytes.length; i++) out.push(firstByte + bytes.charCodeAt(i));
  }
  return out;
}

function readVocabulary(bytes: Uint8Array, name: string): Vocabulary {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tokens: string[] = [];
  const scores: number[] = [];
  for (let at = 4; at < bytes.length;) {
    const length = at + 8 <= bytes.length ? view.getInt32(at + 4, true) : -1;
    if (length < 0 || length > longestToken || at + 8 + length > bytes.length) throw new FormatError(`${name}: token ${tokens.length} at byte ${at} is damaged; export the tokenizer again.`);
    if (tokens.length === mostTokens) throw new FormatError(`${name} holds more than ${mostTokens} tokens, which is not read; it is no tokenizer of llama2.c.`);
    const score = view.getFloat32(at, true);
    if (!Number.isFinite(score)) throw new FormatError(`${name}: the score of token ${tokens.length} is ${score}; export the tokenizer again.`);
    scores.push(score);
    tokens.push(Buffer.from(bytes.buffer, bytes.byteOffset + at + 8, length).toString("latin1"));
    at += 8 + length;
  }
  return { tokens, scores };
}

const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;

const utf8Bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

const utf8Text = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");

function readable(bytes: string, spelling: string): string {
  const text = utf8Text(bytes);
  return text.includes("\uFFFD") ? spelling : text;
}
