/** @file Parquet files for tests, written by a library of its own. */

import * as zlib from "node:zlib";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import { lz4Block } from "./lz4Block";

type Options = Omit<Parameters<typeof parquetWriteBuffer>[0], "columnData">;

/** Absent in Node before 22.15. */
export const zstdCompressSync = (zlib as { zstdCompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdCompressSync;

const compressors: NonNullable<Options["compressors"]> = {
  GZIP: (bytes) => new Uint8Array(zlib.gzipSync(bytes)),
  BROTLI: (bytes) => new Uint8Array(zlib.brotliCompressSync(bytes)),
  LZ4_RAW: lz4Block,
  ...(zstdCompressSync && { ZSTD: (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes)) }),
};

/** @param columns those of numbers and texts as they are, lists after them */
export function parquetFile(columns: ColumnSource[], options: Options = {}): Uint8Array {
  return new Uint8Array(parquetWriteBuffer({ columnData: columns, compressors, ...options }));
}

/** Schema of a column of lists named `name`, all of whose parts may be missing unless `required`. */
export function listSchema(name: string, element: { type: "FLOAT" | "DOUBLE" | "INT32" | "INT64"; converted_type?: "UINT_8" | "INT_16" }, required = false): NonNullable<Options["schema"]> {
  const repetition_type = required ? "REQUIRED" : "OPTIONAL";
  return [
    { name, repetition_type, num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type, ...element },
  ];
}

/** Every codec and several encodings and page sizes in few bytes. */
export function smallParquetFiles(): Uint8Array[] {
  const table: ColumnSource[] = [
    { name: "a", data: Float32Array.from({ length: 40 }, (_, i) => i / 4), type: "FLOAT", nullable: false },
    { name: "b", data: Array.from({ length: 40 }, (_, i) => i % 3), type: "INT32" },
    { name: "label", data: Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "cat" : "dog")), type: "STRING" },
  ];
  const lists = [{ name: "x", data: Array.from({ length: 30 }, (_, i) => [i, 255 - i, 7]) }, { name: "y", data: Array.from({ length: 30 }, (_, i) => BigInt(i % 4)) }];
  const schema: Options["schema"] = [{ name: "root", num_children: 2 }, ...listSchema("x", { type: "INT32", converted_type: "UINT_8" }), { name: "y", type: "INT64", repetition_type: "REQUIRED" }];
  const differences: ColumnSource[] = [
    { name: "a", data: Int32Array.from({ length: 200 }, (_, i) => i * i - 50 * i), type: "INT32", encoding: "DELTA_BINARY_PACKED" },
    { name: "b", data: Float32Array.from({ length: 200 }, (_, i) => i / 7), type: "FLOAT", encoding: "BYTE_STREAM_SPLIT" },
    { name: "label", data: Array.from({ length: 200 }, (_, i) => `class ${i % 4}`), type: "STRING", encoding: "DELTA_BYTE_ARRAY" },
  ];
  return [
    parquetFile(table),
    parquetFile(table, { codec: "UNCOMPRESSED", rowGroupSize: 16 }),
    parquetFile(lists, { schema, codec: "GZIP", pageSize: 64 }),
    parquetFile(lists, { schema, rowGroupSize: 7 }),
    parquetFile(differences, { codec: "LZ4_RAW", pageSize: 64 }),
    parquetFile(differences, { codec: "BROTLI" }),
    ...(zstdCompressSync ? [parquetFile(table, { codec: "ZSTD" })] : []),
  ];
}
