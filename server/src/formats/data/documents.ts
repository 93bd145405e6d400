/** @file The texts of a file, one after the other: plain text, JSON lines, a JSON list, or a column of a table. */

import { extname } from "node:path";
import type { ByteSource } from "../bytes/byteSource";
import { decodedText } from "../bytes/decodedText";
import { readWhole } from "../bytes/readWhole";
import { FormatError } from "../modelFile";
import { csvRows } from "./csvRows";

/** Part of a document: long ones come in pieces. */
export interface TextPiece {
  readonly text: string;
  readonly startsDocument: boolean;
}

const longestPiece = 2 ** 20;
const longestLine = 2 ** 24;
const longestJson = 2 ** 28;
/** A line that ends a document in plain text, as in the published TinyStories. */
const documentEnd = /^<\|endoftext\|>\r?$/m;
const usualField = "text";

/**
 * All texts of a file, by its extension: .jsonl and .ndjson hold one JSON value per line, .json a list of them, .csv and .tsv a table with a
 * header; everything else is plain text, in which lines `<|endoftext|>` end a document. Empty texts are left out.
 * @param field name of the text's field or column; "text" when absent
 * @throws FormatError when the file is not what its extension says
 */
export async function* documents(source: ByteSource, field: string | undefined): AsyncGenerator<TextPiece> {
  const extension = extname(source.name).toLowerCase();
  const isTable = extension === ".csv" || extension === ".tsv";
  const isLines = extension === ".jsonl" || extension === ".ndjson";
  if (!isTable && !isLines && extension !== ".json") {
    if (field !== undefined) throw new FormatError(`${source.name} is plain text, which has no field ${JSON.stringify(field)}; remove "inputsName".`);
    yield* plainText(source);
    return;
  }
  const texts = isTable ? columnTexts(source, field ?? usualField) : isLines ? lineTexts(source, field ?? usualField) : listTexts(source, field ?? usualField);
  for await (const text of texts) yield* pieces(text, true);
}

async function* plainText(source: ByteSource): AsyncGenerator<TextPiece> {
  let rest = "";
  let startsDocument = true;
  for await (const chunk of decodedText(source)) {
    rest += chunk ?? "";
    for (let end = documentEnd.exec(rest); end !== null; end = documentEnd.exec(rest)) {
      yield* pieces(rest.slice(0, end.index).replace(/\r?\n$/, ""), startsDocument);
      rest = rest.slice(end.index + end[0].length).replace(/^\r?\n/, "");
      startsDocument = true;
    }
    while (rest.length > longestPiece) {
      const cut = cutPoint(rest);
      yield { text: rest.slice(0, cut), startsDocument };
      rest = rest.slice(cut);
      startsDocument = false;
    }
  }
  yield* pieces(rest, startsDocument);
}

async function* lineTexts(source: ByteSource, field: string): AsyncGenerator<string> {
  let rest = "";
  let line = 0;
  for await (const chunk of decodedText(source)) {
    const lines = (rest + (chunk ?? "\n")).split("\n");
    rest = lines.pop()!;
    if (rest.length > longestLine) throw new FormatError(`${source.name}: line ${line + lines.length + 1} is longer than ${longestLine} characters; split it.`);
    for (const one of lines) {
      line++;
      if (one.trim() !== "") yield textOf(parsed(one, `${source.name}: line ${line}`), field, `${source.name}: line ${line}`);
    }
  }
}

async function* listTexts(source: ByteSource, field: string): AsyncGenerator<string> {
  const bytes = await readWhole(source, longestJson);
  const list = parsed(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"), source.name);
  if (!Array.isArray(list)) throw new FormatError(`${source.name} is no list of texts; use a list, or one JSON object per line in a .jsonl file.`);
  for (let i = 0; i < list.length; i++) yield textOf(list[i], field, `${source.name}: entry ${i}`);
}

async function* columnTexts(source: ByteSource, field: string): AsyncGenerator<string> {
  let column = -1;
  for await (const { fields, line } of csvRows(source)) {
    if (column < 0) {
      column = fields.findIndex((name) => name.trim() === field);
      if (column < 0) throw new FormatError(`${source.name} has no column ${JSON.stringify(field)}; name one of ${fields.slice(0, 12).join(", ")} with "inputsName".`);
      continue;
    }
    const text = fields[column];
    if (text === undefined) throw new FormatError(`${source.name}: line ${line} has ${fields.length} fields and no column ${JSON.stringify(field)}; correct the file.`);
    yield text;
  }
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError(`${where} is not JSON; correct the file.`);
  }
}

/** A text itself, or the field of an object. */
function textOf(value: unknown, field: string, where: string): string {
  if (typeof value === "string") return value;
  const isObject = typeof value === "object" && value !== null;
  const text: unknown = isObject && Object.hasOwn(value, field) ? (value as Record<string, unknown>)[field] : undefined;
  if (typeof text === "string") return text;
  const known = isObject ? ` but ${Object.keys(value).slice(0, 12).join(", ")}` : "";
  throw new FormatError(`${where} has no text in a field ${JSON.stringify(field)}${known}; name the field with "inputsName".`);
}

function* pieces(text: string, startsDocument: boolean): Generator<TextPiece> {
  let rest = text;
  let first = startsDocument;
  while (rest.length > longestPiece) {
    const cut = cutPoint(rest);
    yield { text: rest.slice(0, cut), startsDocument: first };
    rest = rest.slice(cut);
    first = false;
  }
  if (rest !== "") yield { text: rest, startsDocument: first };
}

/**
 * Where a long text is cut: before the last line break that follows a letter and precedes visible text, where no byte-pair tokenizer in use
 * merges across; before the last space else.
 */
function cutPoint(text: string): number {
  for (let at = text.lastIndexOf("\n", longestPiece); at > longestPiece / 2; at = text.lastIndexOf("\n", at - 1)) {
    if (/[\p{L}\p{N}]/u.test(text[at - 1]!) && /\S/.test(text[at + 1] ?? "")) return at;
  }
  const space = text.lastIndexOf(" ", longestPiece);
  if (space > longestPiece / 2) return space;
  // Not between the halves of a character.
  return /[\ud800-\udbff]/.test(text[longestPiece - 1]!) ? longestPiece - 1 : longestPiece;
}
