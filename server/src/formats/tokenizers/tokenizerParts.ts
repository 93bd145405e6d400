/**
 * @file The steps around the merges of a tokenizer.json (normalizer, pre-tokenizer, decoder): only those that are known are let through, rebuilt
 * field by field. A regular expression from a file could run for ever, so of these only the published ones of known models are accepted.
 */

import { FormatError } from "../modelFile";

/** A JSON object that `@huggingface/tokenizers` understands. */
export type Part = Readonly<Record<string, unknown>>;

const mostParts = 8;
const longestText = 256;

/** Of Llama 3, of Qwen 2 (and GPT-4 without its possessive marks), and of GPT-2 and GPT-NeoX. */
const knownPatterns: ReadonlySet<string> = new Set([
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
]);

type Rebuild = (part: Reader) => Part;

const plain: Rebuild = ({ type }) => ({ type });
const metaspace: Rebuild = (part) => ({
  type: "Metaspace", replacement: part.text("replacement", "\u2581"), prepend_scheme: part.oneOf("prepend_scheme", ["always", "first", "never"], part.flag("add_prefix_space", true) ? "always" : "never"),
});
const byteLevel: Rebuild = (part) => ({ type: "ByteLevel", add_prefix_space: part.flag("add_prefix_space", false), use_regex: part.flag("use_regex", true), trim_offsets: true });
/** Several replacements that lengthen the text would multiply: none may. */
const replace: Rebuild = (part) => {
  const text = part.patternText();
  const content = part.text("content", "");
  if (content.length > text.length) throw part.refused(`it replaces ${JSON.stringify(text)} by a longer text`);
  return { type: "Replace", pattern: { String: text }, content };
};

const normalizers = new Map<string, Rebuild>([
  ["NFC", plain], ["NFD", plain], ["NFKC", plain], ["NFKD", plain], ["Lowercase", plain], ["Replace", replace],
  ["Prepend", (part) => ({ type: "Prepend", prepend: part.text("prepend", "") })],
]);
const preTokenizers = new Map<string, Rebuild>([
  ["ByteLevel", byteLevel], ["Metaspace", metaspace],
  ["Digits", (part) => ({ type: "Digits", individual_digits: part.flag("individual_digits", false) })],
  ["Split", (part) => ({ type: "Split", pattern: { Regex: part.knownPattern() }, behavior: part.oneOf("behavior", ["Isolated"], "Isolated"), invert: false })],
]);
const decoders = new Map<string, Rebuild>([
  ["ByteLevel", byteLevel], ["Metaspace", metaspace], ["ByteFallback", plain], ["Fuse", plain], ["Replace", replace],
  ["Strip", (part) => ({ type: "Strip", content: part.text("content", " "), start: part.count("start"), stop: part.count("stop") })],
]);

const kinds = {
  normalizer: { known: normalizers, list: "normalizers" },
  pre_tokenizer: { known: preTokenizers, list: "pretokenizers" },
  decoder: { known: decoders, list: "decoders" },
};

/** @returns the part rebuilt, or null for none. @throws FormatError for a step that is not known */
export function rebuiltPart(kind: keyof typeof kinds, value: unknown, name: string): Part | null {
  if (value === null || value === undefined) return null;
  const { known, list } = kinds[kind];
  const part = new Reader(value, `${name}: "${kind}"`);
  if (part.type !== "Sequence") return rebuildOne(part, known);
  const steps = part.field(list);
  if (!Array.isArray(steps) || steps.length > mostParts) throw part.refused(`"${list}" is no list of up to ${mostParts} steps`);
  return { type: "Sequence", [list]: steps.map((step) => rebuildOne(new Reader(step, part.where), known)) };
}

/** Types of a rebuilt part, in order. */
export function partTypes(part: Part | null): readonly unknown[] {
  if (part === null) return [];
  const steps = Object.values(part).find(Array.isArray) as readonly Part[] | undefined;
  return (steps ?? [part]).map(({ type }) => type);
}

function rebuildOne(part: Reader, known: ReadonlyMap<string, Rebuild>): Part {
  const rebuild = known.get(part.type);
  if (rebuild === undefined) throw part.refused(`"${part.type.slice(0, 40)}" is not one of ${[...known.keys()].join(", ")}`);
  return rebuild(part);
}

/** Checked access to the fields of one step. */
class Reader {
  readonly type: string;
  private readonly value: Readonly<Record<string, unknown>>;

  constructor(value: unknown, readonly where: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.refused("it is no object");
    this.value = value as Readonly<Record<string, unknown>>;
    const type = this.field("type");
    if (typeof type !== "string") throw this.refused("its \"type\" is absent");
    this.type = type;
  }

  field(name: string): unknown {
    return Object.hasOwn(this.value, name) ? this.value[name] : undefined;
  }

  text(name: string, fallback: string): string {
    const value = this.field(name) ?? fallback;
    if (typeof value !== "string" || value.length > longestText) throw this.refused(`"${name}" is no short text`);
    return value;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.field(name) ?? fallback;
    if (typeof value !== "boolean") throw this.refused(`"${name}" is not true or false`);
    return value;
  }

  count(name: string): number {
    const value = this.field(name) ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > longestText) throw this.refused(`"${name}" is no small number`);
    return value;
  }

  oneOf(name: string, allowed: readonly string[], fallback: string): string {
    const value = this.text(name, fallback);
    if (!allowed.includes(value)) throw this.refused(`"${name}" is ${JSON.stringify(value)}, not ${allowed.join(" or ")}`);
    return value;
  }

  patternText(): string {
    const text = (this.field("pattern") as { String?: unknown } | null | undefined)?.String;
    if (typeof text !== "string" || text === "" || text.length > longestText) throw this.refused("its pattern is no plain text");
    return text;
  }

  knownPattern(): string {
    const pattern = (this.field("pattern") as { Regex?: unknown } | null | undefined)?.Regex;
    if (typeof pattern !== "string" || !knownPatterns.has(pattern) || this.flag("invert", false)) throw this.refused("it splits by a pattern of its own, and patterns from files are not run");
    return pattern;
  }

  refused(what: string): FormatError {
    return new FormatError(`${this.where} is not supported: ${what}; tokenize the text yourself and give the token ids as .npy.`);
  }
}
