/** @file Compressed and encoded bytes of Parquet pages on their own, where damage meets nothing else that could notice it first. */

import { brotliCompressSync, gzipSync } from "node:zlib";
import { ByteWriter } from "hyparquet-writer";
import { deltaBinaryPack, deltaByteArray, deltaLengthByteArray } from "hyparquet-writer/src/delta.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { readDelta } from "../../../server/src/formats/parquet/delta";
import { readDeltaLengthTexts, readDeltaTexts } from "../../../server/src/formats/parquet/deltaTexts";
import { unpack } from "../../../server/src/formats/parquet/unpack";
import { lz4Block } from "./lz4Block";

const count = 300;
const plain = Uint8Array.from({ length: count }, (_, i) => (i * i) % 7);
const texts = Array.from({ length: count }, (_, i) => new TextEncoder().encode(`text ${i % 9} ${"x".repeat(i % 5)}`));

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return new Uint8Array(writer.getBuffer());
}

const compressed = (codec: number) => (bytes: Uint8Array): unknown => unpack(bytes, codec, count, "fuzz");
const pages: readonly { bytes: Uint8Array; read: (bytes: Uint8Array) => unknown }[] = [
  { bytes: snappyCompress(plain), read: compressed(1) },
  { bytes: gzipSync(plain), read: compressed(2) },
  { bytes: brotliCompressSync(plain), read: compressed(4) },
  { bytes: lz4Block(plain), read: compressed(7) },
  { bytes: written((writer) => { deltaBinaryPack(writer, Array.from(plain, (value, i) => value * i), "INT32"); }), read: (bytes) => readDelta(bytes, "INT32", count, "fuzz") },
  { bytes: written((writer) => { deltaBinaryPack(writer, Array.from(plain, (value, i) => 2n ** 40n * BigInt(value * i)), "INT64"); }), read: (bytes) => readDelta(bytes, "INT64", count, "fuzz") },
  { bytes: written((writer) => { deltaLengthByteArray(writer, texts); }), read: (bytes) => readDeltaLengthTexts(bytes, count, "fuzz") },
  { bytes: written((writer) => { deltaByteArray(writer, texts); }), read: (bytes) => readDeltaTexts(bytes, count, "fuzz") },
];

/** The first byte says which of the readers is meant. */
export const packedPages = (): Uint8Array[] => pages.map(({ bytes }, i) => Uint8Array.from([i, ...bytes]));

export const readPackedPage = (bytes: Uint8Array): unknown => pages[(bytes[0] ?? 0) % pages.length]!.read(bytes.subarray(1));
