/** @file Parquet's plain encoding: values one after the other, little-endian. */

import { FormatError } from "../modelFile";
import type { PhysicalType } from "./footer";

/** 64-bit integers are rounded to float64; texts are those of byte arrays. */
export type PageValues = Int32Array | Float32Array | Float64Array | readonly string[];

const widths: Partial<Record<PhysicalType, number>> = { INT32: 4, FLOAT: 4, INT64: 8, DOUBLE: 8, BOOLEAN: 1 / 8 };

/** @throws FormatError when there are fewer than `count`, or of a type that is not read */
export function readPlain(bytes: Uint8Array, type: PhysicalType, count: number, where: string): PageValues {
  if (type === "BYTE_ARRAY") return readTexts(bytes, count, where);
  const width = widths[type];
  if (width === undefined) throw new FormatError(`${where} is of the type ${type}, which is not read; write it as numbers.`);
  if (count * width > bytes.length) throw tooShort(where);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case "INT32": return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
    case "FLOAT": return Float32Array.from({ length: count }, (_, i) => view.getFloat32(4 * i, true));
    case "INT64": return Float64Array.from({ length: count }, (_, i) => view.getInt32(8 * i + 4, true) * 2 ** 32 + view.getUint32(8 * i, true));
    case "DOUBLE": return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
    default: return Int32Array.from({ length: count }, (_, i) => (bytes[i >> 3]! >> (i & 7)) & 1);
  }
}

function readTexts(bytes: Uint8Array, count: number, where: string): string[] {
  if (4 * count > bytes.length) throw tooShort(where);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  const texts: string[] = [];
  for (let at = 0; texts.length < count;) {
    if (bytes.length - at < 4) throw tooShort(where);
    const length = view.getUint32(at, true);
    at += 4;
    if (length > bytes.length - at) throw tooShort(where);
    texts.push(decoder.decode(bytes.subarray(at, at + length)));
    at += length;
  }
  return texts;
}

const tooShort = (where: string): FormatError => new FormatError(`${where}: a page ends before its last value; the file is damaged, copy or write it again.`);
