/** @file tokenizer.json of Hugging Face, byte-pair models only, and the older vocab.json with merges.txt. What the library gets is checked and rebuilt. */

import { Tokenizer } from "@huggingface/tokenizers";
import { FormatError } from "../modelFile";
import type { TextTokenizer } from "./textTokenizer";
import { partTypes, rebuiltPart, type Part } from "./tokenizerParts";

const mostTokens = 2 ** 20;
const mostMerges = 2 ** 21;
const mostAddedTokens = 2 ** 14;
const longestToken = 2 ** 10;

/** Tokens that models put before a document, the first that the vocabulary holds. */
const documentStarts = ["<|endoftext|>", "<|begin_of_text|>", "<s>", "<bos>"];

/**
 * @param json the contents of tokenizer.json, or of vocab.json when `merges` is given
 * @throws FormatError when it is damaged, no byte-pair model, or cannot write every text
 */
export function huggingFaceTokenizer(json: Readonly<Record<string, unknown>>, merges: string | null, name: string): TextTokenizer {
  const parts = merges === null ? json : gpt2Parts(json, merges);
  const normalizer = rebuiltPart("normalizer", parts["normalizer"], name);
  const preTokenizer = rebuiltPart("pre_tokenizer", parts["pre_tokenizer"], name);
  const decoder = rebuiltPart("decoder", parts["decoder"], name);
  const model = rebuiltModel(parts["model"], name);
  const added = addedTokens(parts["added_tokens"], name);
  requireEveryByte(model, partTypes(preTokenizer).includes("ByteLevel"), name);
  const library = new Tokenizer({ normalizer, pre_tokenizer: preTokenizer, decoder, model, added_tokens: added, post_processor: null }, { clean_up_tokenization_spaces: false });
  return new LibraryTokenizer(library, merges === null ? "tokenizer.json" : "vocab.json and merges.txt", name);
}

class LibraryTokenizer implements TextTokenizer {
  readonly vocabulary: number;
  readonly documentStart: string | null;

  constructor(private readonly library: Tokenizer, readonly format: string, private readonly name: string) {
    let largest = 0;
    for (const id of library.get_vocab().values()) largest = Math.max(largest, id);
    this.vocabulary = largest + 1;
    this.documentStart = documentStarts.find((token) => this.idOf(token) !== null) ?? null;
  }

  encode(text: string): readonly number[] {
    if (text === "") return [];
    const { ids, tokens } = this.library.encode(text, { add_special_tokens: false });
    const missing = ids.findIndex((id: number | undefined) => id === undefined);
    if (missing >= 0) throw new FormatError(`${this.name} has no token for ${JSON.stringify(tokens[missing])}; use the tokenizer that the model was trained with.`);
    return ids;
  }

  decode(ids: readonly number[]): string {
    for (const id of ids) if (this.library.id_to_token(id) === undefined) throw new FormatError(`${this.name} has no token ${id}; ids go from 0 to ${this.vocabulary - 1}.`);
    return ids.length === 0 ? "" : this.library.decode([...ids]);
  }

  idOf(token: string): number | null {
    return this.library.token_to_id(token) ?? null;
  }

  tokenText(id: number): string {
    const spelling = this.library.id_to_token(id) ?? String(id);
    // Metaspace decoders drop the space before the first token, so words are told apart by their spelling.
    if (spelling.startsWith("\u2581")) return spelling.replaceAll("\u2581", " ");
    const text = this.decode([id]);
    return text === "" || text.includes("\uFFFD") ? spelling : text;
  }
}

/** What GPT-2's vocab.json and merges.txt mean. */
function gpt2Parts(vocab: Readonly<Record<string, unknown>>, merges: string): Part {
  const lines = merges.split(/\r?\n/).filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
  const step = { type: "ByteLevel", add_prefix_space: false };
  return { pre_tokenizer: step, decoder: step, model: { type: "BPE", vocab, merges: lines }, added_tokens: [] };
}

function rebuiltModel(value: unknown, name: string): Part & { vocab: Readonly<Record<string, number>>; byte_fallback: boolean } {
  const model = (typeof value === "object" && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  // Files from before the field existed name no type.
  const type = model["type"] ?? (model["merges"] !== undefined ? "BPE" : "none");
  if (type !== "BPE") throw unsupported(name, `its model is ${JSON.stringify(type).slice(0, 40)}, and byte-pair models (BPE) are read`);
  for (const field of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[field]) throw unsupported(name, `its model has "${field}"`);
  }
  const vocab = checkedVocabulary(model["vocab"], name);
  const unknown = model["unk_token"] ?? null;
  if (unknown !== null && (typeof unknown !== "string" || !Object.hasOwn(vocab, unknown))) throw damaged(name, "\"unk_token\" is not in its vocabulary");
  return {
    type: "BPE", vocab, merges: checkedMerges(model["merges"], vocab, name), unk_token: unknown,
    byte_fallback: model["byte_fallback"] === true, fuse_unk: model["fuse_unk"] === true, ignore_merges: model["ignore_merges"] === true,
  };
}

function checkedVocabulary(value: unknown, name: string): Readonly<Record<string, number>> {
  const entries = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0 || entries.length > mostTokens) throw damaged(name, `its vocabulary holds ${entries.length} tokens`);
  const used = new Set<number>();
  for (const [token, id] of entries) {
    if (!isTokenId(id) || used.has(id) || token.length > longestToken) throw damaged(name, `token ${JSON.stringify(token.slice(0, 40))} of its vocabulary has no id of its own`);
    used.add(id);
  }
  return value as Readonly<Record<string, number>>;
}

/** Pairs whose parts and result are tokens; written as "a b" or ["a", "b"]. */
function checkedMerges(value: unknown, vocab: Readonly<Record<string, number>>, name: string): readonly (readonly [string, string])[] {
  if (!Array.isArray(value) || value.length > mostMerges) throw damaged(name, "it has no list of merges");
  return value.map((merge: unknown, i): [string, string] => {
    const pair: unknown[] = typeof merge === "string" ? merge.split(" ") : Array.isArray(merge) ? merge : [];
    const [left, right] = pair;
    if (pair.length !== 2 || typeof left !== "string" || typeof right !== "string" || !Object.hasOwn(vocab, left + right)) throw damaged(name, `merge ${i} does not make a token of its vocabulary`);
    return [left, right];
  });
}

function addedTokens(value: unknown, name: string): readonly Part[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > mostAddedTokens) throw damaged(name, "\"added_tokens\" is no list of tokens");
  return value.map((one: unknown, i) => {
    const token = (typeof one === "object" && one !== null ? one : {}) as Readonly<Record<string, unknown>>;
    const { id, content } = token;
    if (!isTokenId(id) || typeof content !== "string" || content === "" || content.length > longestToken) throw damaged(name, `added token ${i} has no id or text`);
    const flag = (field: string): boolean => token[field] === true;
    return { id, content, special: flag("special"), lstrip: flag("lstrip"), rstrip: flag("rstrip"), single_word: flag("single_word"), normalized: flag("normalized") };
  });
}

/** The library leaves out silently what it cannot write, so it must be able to write everything. */
function requireEveryByte(model: ReturnType<typeof rebuiltModel>, byteLevel: boolean, name: string): void {
  if (byteLevel) {
    for (const symbol of byteSymbols()) if (!Object.hasOwn(model.vocab, symbol)) throw damaged(name, `its vocabulary lacks the byte ${JSON.stringify(symbol)}`);
  } else if (model.byte_fallback) {
    for (let byte = 0; byte < 256; byte++) {
      const token = `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
      if (!Object.hasOwn(model.vocab, token)) throw damaged(name, `its vocabulary lacks ${token}`);
    }
  } else if (model["unk_token"] === null) throw unsupported(name, "it has neither bytes nor an unknown token for text outside its vocabulary");
}

/** The characters that stand for bytes in byte-level vocabularies: printable Latin-1 for itself, U+0100 on for the rest. */
function byteSymbols(): string[] {
  const printable = (byte: number): boolean => (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : others++));
}

const isTokenId = (value: unknown): value is number => typeof value === "number" && Number.isInteger(value) && value >= 0 && value < mostTokens;

const damaged = (name: string, what: string): FormatError => new FormatError(`${name} is damaged: ${what}; save the tokenizer again.`);

const unsupported = (name: string, what: string): FormatError => new FormatError(`${name} is not supported: ${what}; tokenize the text yourself and give the token ids as .npy.`);
