/** @file Rows of comma-separated text (RFC 4180), streamed: quoted fields may hold separators, doubled quotes and line breaks. */

import { FormatError } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { decodedText } from "../bytes/decodedText";

const longestRow = 2 ** 24;
const mostFields = 2 ** 17;

export interface CsvRow {
  readonly fields: readonly string[];
  /** Line in the file on which the row starts, from 1. */
  readonly line: number;
}

/**
 * All rows that are not empty. The separator is the one of comma, semicolon and tab that the first line holds most of.
 * @throws FormatError for an open quote, a row beyond 16 MiB or text that is not UTF-8
 */
export async function* csvRows(source: ByteSource): AsyncGenerator<CsvRow> {
  let rest = "";
  let line = 1;
  let separator: string | null = null;
  for await (const text of decodedText(source)) {
    const isLast = text === null;
    const buffer: string = rest + (text ?? "");
    separator ??= guessSeparator(buffer);
    let start = 0;
    let quote = buffer.indexOf("\"");
    while (start < buffer.length) {
      // Searched once per quoted row, not per row: most files hold none.
      if (quote >= 0 && quote < start) quote = buffer.indexOf("\"", start);
      const end = rowEnd(buffer, start, quote, isLast);
      if (end === null) break;
      const row = buffer.slice(start, end).replace(/\r$/, "");
      if (row !== "") yield { fields: splitRow(row, separator, source.name, line), line };
      line += countLineBreaks(buffer, start, end) + 1;
      start = end + 1;
    }
    rest = buffer.slice(start);
    if (rest.length > longestRow || (isLast && rest !== "")) {
      throw new FormatError(`${source.name}: the row that starts on line ${line} does not end (an open quote?); correct the file.`);
    }
  }
}

function guessSeparator(text: string): string {
  const lineBreak = text.indexOf("\n");
  const firstLine = text.slice(0, lineBreak < 0 ? undefined : lineBreak).replace(/"[^"]*"?/g, "");
  const counts = [",", ";", "\t"].map((candidate) => ({ candidate, count: firstLine.split(candidate).length }));
  return counts.reduce((best, next) => (next.count > best.count ? next : best)).candidate;
}

/**
 * Index of the line break that ends the row from `start`, or null when the buffer ends first; the end of the text ends it too.
 * @param quote index of the first quote from `start` on, or -1
 */
function rowEnd(buffer: string, start: number, quote: number, isLast: boolean): number | null {
  const lineBreak = buffer.indexOf("\n", start);
  if (quote < 0 || (lineBreak >= 0 && lineBreak < quote)) return lineBreak >= 0 ? lineBreak : isLast ? buffer.length : null;
  let quoted = false;
  for (let i = quote; i < buffer.length; i++) {
    const code = buffer.charCodeAt(i);
    if (code === 0x22) quoted = !quoted;
    else if (code === 0x0a && !quoted) return i;
  }
  return isLast && !quoted ? buffer.length : null;
}

function splitRow(row: string, separator: string, name: string, line: number): string[] {
  const fields = row.includes("\"") ? quotedFields(row, separator) : row.split(separator);
  if (fields.length > mostFields) throw new FormatError(`${name}: line ${line} has ${fields.length} fields; at most ${mostFields} are read.`);
  return fields;
}

function quotedFields(row: string, separator: string): string[] {
  const fields: string[] = [];
  let field = "";
  let quoted = false;
  for (let i = 0; i < row.length; i++) {
    const character = row[i]!;
    if (character === "\"") {
      // Two quotes within a quoted field stand for one.
      if (quoted && row[i + 1] === "\"") field += row[i++];
      else quoted = !quoted;
    } else if (character === separator && !quoted) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  return [...fields, field];
}

function countLineBreaks(text: string, start: number, end: number): number {
  let count = 0;
  for (let i = text.indexOf("\n", start); i >= 0 && i < end; i = text.indexOf("\n", i + 1)) count++;
  return count;
}
