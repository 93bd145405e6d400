/** @file Parquet's encodings DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY: all lengths first, then the texts, whole or only where they part from the one before. */

import { FormatError } from "../modelFile";
import { readDelta } from "./delta";

/** Most bytes of the texts of one page: a long text may be repeated at the cost of nothing. */
const mostTextBytes = 2 ** 27;

/** @throws FormatError when there are fewer than `count` */
export function readDeltaLengthTexts(bytes: Uint8Array, count: number, where: string): string[] {
  const decoder = new TextDecoder();
  return pieces(bytes, count, where).map((piece) => decoder.decode(piece));
}

/**
 * Texts that share their beginning with the one before.
 * @throws FormatError when there are fewer than `count`, or a beginning is longer than the text before
 */
export function readDeltaTexts(bytes: Uint8Array, count: number, where: string): string[] {
  const { values: shared, end } = readDelta(bytes, "INT32", count, where);
  const decoder = new TextDecoder();
  let before = new Uint8Array();
  let total = 0;
  return pieces(bytes.subarray(end), count, where).map((piece, i) => {
    const length = shared[i]!;
    if (length < 0 || length > before.length) throw tooShort(where);
    total += length + piece.length;
    if (total > mostTextBytes) throw new FormatError(`${where} has a page with more than ${mostTextBytes} bytes of text; write smaller pages.`);
    const text = new Uint8Array(length + piece.length);
    text.set(before.subarray(0, length));
    text.set(piece, length);
    before = text;
    return decoder.decode(text);
  });
}

function pieces(bytes: Uint8Array, count: number, where: string): Uint8Array[] {
  const { values: lengths, end } = readDelta(bytes, "INT32", count, where);
  const parts: Uint8Array[] = [];
  let at = end;
  for (const length of lengths) {
    if (length < 0 || length > bytes.length - at) throw tooShort(where);
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return parts;
}

const tooShort = (where: string): FormatError => new FormatError(`${where}: a page ends before its last text; the file is damaged, copy or write it again.`);
