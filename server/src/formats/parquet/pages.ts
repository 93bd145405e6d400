/** @file The values of one column, page after page. */

import type { ByteSource } from "../bytes/byteSource";
import { FormatError } from "../modelFile";
import { readDelta } from "./delta";
import { readDeltaLengthTexts, readDeltaTexts } from "./deltaTexts";
import type { ColumnChunk, ParquetColumn } from "./footer";
import { joinStreams, readPlain, type PageValues } from "./plain";
import { decodeRuns } from "./runs";
import { numberOf, structOf, ThriftReader, type ThriftStruct } from "./thrift";
import { unpack } from "./unpack";

/** Most numbers of one page: repeated ones take no room in the file, but they do in memory. */
const mostPageValues = 2 ** 26;

const pageTypes = { data: 0, dictionary: 2, dataV2: 3 } as const;
const encodings = ["PLAIN", "GROUP_VAR_INT", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT"];

export interface Page {
  readonly values: PageValues;
  /** Of every value 0 when a row begins with it; null: every value is a row. */
  readonly repetition: Int32Array | null;
}

/**
 * The pages of one column in one row group.
 * @throws FormatError for damage, encodings that are not read, and missing values
 */
export async function* pagesOf(source: ByteSource, column: ParquetColumn, chunk: ColumnChunk): AsyncGenerator<Page> {
  const where = `${source.name}: column "${column.name}"`;
  const bytes = await source.read(chunk.offset, chunk.bytes);
  let dictionary: PageValues | null = null;
  let left = chunk.values;
  for (let at = 0; left > 0;) {
    const reader = new ThriftReader(bytes, at, where);
    const header = reader.struct();
    const size = numberOf(header, 3, -1);
    if (size < 0 || size > bytes.length - reader.offset) throw damaged(where);
    const body = bytes.subarray(reader.offset, reader.offset + size);
    at = reader.offset + size;
    const type = numberOf(header, 1, -1);
    if (type === pageTypes.dictionary) {
      dictionary = dictionaryOf(header, body, column, chunk, where);
    } else if (type === pageTypes.data || type === pageTypes.dataV2) {
      const page = type === pageTypes.data ? dataPage(header, body, column, chunk, dictionary, left, where) : dataPageV2(header, body, column, chunk, dictionary, left, where);
      left -= page.values.length;
      yield page;
    }
  }
}

function dictionaryOf(header: ThriftStruct, body: Uint8Array, column: ParquetColumn, chunk: ColumnChunk, where: string): PageValues {
  const own = structOf(header, 7);
  const count = own === null ? -1 : numberOf(own, 1, -1);
  return readPlain(unpack(body, chunk.codec, sizeOf(header, where), where), column.physical, countIn(count, mostPageValues, where), where);
}

function dataPage(header: ThriftStruct, body: Uint8Array, column: ParquetColumn, chunk: ColumnChunk, dictionary: PageValues | null, left: number, where: string): Page {
  const own = structOf(header, 5);
  if (own === null) throw damaged(where);
  const count = countIn(numberOf(own, 1, -1), left, where);
  const bytes = unpack(body, chunk.codec, sizeOf(header, where), where);
  let at = 0;
  const levels = (most: number): Int32Array | null => {
    if (most === 0) return null;
    if (bytes.length - at < 4) throw damaged(where);
    const length = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
    at += 4 + length;
    if (at > bytes.length) throw damaged(where);
    return decodeRuns(bytes.subarray(at - length, at), bitsFor(most), count, where);
  };
  const repetition = levels(column.mostRepeated);
  requireAll(levels(column.mostDefined), column, where);
  return { values: valuesOf(bytes.subarray(at), numberOf(own, 2, -1), column, count, dictionary, where), repetition };
}

/** The levels of the second version lie before the compressed values, and their lengths in the header. */
function dataPageV2(header: ThriftStruct, body: Uint8Array, column: ParquetColumn, chunk: ColumnChunk, dictionary: PageValues | null, left: number, where: string): Page {
  const own = structOf(header, 8);
  if (own === null) throw damaged(where);
  const count = countIn(numberOf(own, 1, -1), left, where);
  const [definitions, repetitions] = [numberOf(own, 5, -1), numberOf(own, 6, -1)];
  const levelBytes = definitions + repetitions;
  if (definitions < 0 || repetitions < 0 || levelBytes > body.length) throw damaged(where);
  const levels = (most: number, from: number, length: number): Int32Array | null => (
    most === 0 ? null : decodeRuns(body.subarray(from, from + length), bitsFor(most), count, where)
  );
  const repetition = levels(column.mostRepeated, 0, repetitions);
  requireAll(levels(column.mostDefined, repetitions, definitions), column, where);
  const packed = body.subarray(levelBytes);
  const bytes = own.get(7) === false ? packed : unpack(packed, chunk.codec, sizeOf(header, where) - levelBytes, where);
  return { values: valuesOf(bytes, numberOf(own, 4, -1), column, count, dictionary, where), repetition };
}

function valuesOf(bytes: Uint8Array, encoding: number, column: ParquetColumn, count: number, dictionary: PageValues | null, where: string): PageValues {
  switch (encodings[encoding]) {
    case "PLAIN": return readPlain(bytes, column.physical, count, where);
    case "PLAIN_DICTIONARY": case "RLE_DICTIONARY": {
      if (dictionary === null || bytes.length === 0) throw damaged(where);
      return looked(dictionary, decodeRuns(bytes.subarray(1), bytes[0]!, count, where), where);
    }
    // runs of booleans follow their own length
    case "RLE": if (column.physical === "BOOLEAN") return decodeRuns(bytes.subarray(4), 1, count, where);
      break;
    case "DELTA_BINARY_PACKED": if (column.physical === "INT32" || column.physical === "INT64") return readDelta(bytes, column.physical, count, where).values;
      break;
    case "DELTA_LENGTH_BYTE_ARRAY": if (column.physical === "BYTE_ARRAY") return readDeltaLengthTexts(bytes, count, where);
      break;
    case "DELTA_BYTE_ARRAY": if (column.physical === "BYTE_ARRAY") return readDeltaTexts(bytes, count, where);
      break;
    case "BYTE_STREAM_SPLIT": return readPlain(joinStreams(bytes, column.physical, count, where), column.physical, count, where);
  }
  throw new FormatError(`${where} is written in the encoding ${encodings[encoding] ?? encoding}, which is not read; write it with a dictionary or plainly, as most programs do.`);
}

/** The entries of a dictionary at `places`. */
function looked(dictionary: PageValues, places: Int32Array, where: string): PageValues {
  for (const place of places) if (place >= dictionary.length) throw damaged(where);
  if (Array.isArray(dictionary)) return Array.from(places, (place) => dictionary[place]!);
  const numbers = dictionary as Exclude<PageValues, readonly string[]>;
  const out = numbers instanceof Float32Array ? new Float32Array(places.length) : numbers instanceof Int32Array ? new Int32Array(places.length) : new Float64Array(places.length);
  for (let i = 0; i < out.length; i++) out[i] = numbers[places[i]!]!;
  return out;
}

/** @param levels null when no value can be missing */
function requireAll(levels: Int32Array | null, column: ParquetColumn, where: string): void {
  if (levels?.some((level) => level !== column.mostDefined)) {
    throw new FormatError(`${where} has empty values or empty lists; leave those rows or the column out when you write the file.`);
  }
}

function sizeOf(header: ThriftStruct, where: string): number {
  const size = numberOf(header, 2, -1);
  if (size < 0) throw damaged(where);
  return size;
}

function countIn(count: number, most: number, where: string): number {
  if (count > mostPageValues) throw new FormatError(`${where} has ${count} values in one page, more than are read at a time (${mostPageValues}); write smaller pages or row groups.`);
  if (count < 0 || count > most) throw damaged(where);
  return count;
}

const bitsFor = (most: number): number => 32 - Math.clz32(most);

const damaged = (where: string): FormatError => new FormatError(`${where} has a page that contradicts the file's description of it; the file is damaged, copy or write it again.`);
