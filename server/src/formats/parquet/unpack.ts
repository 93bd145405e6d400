/** @file Bytes of a Parquet page as they were before they were compressed. */

import * as zlib from "node:zlib";
import { FormatError } from "../modelFile";
import { unpackLz4 } from "./lz4";
import { unpackSnappy } from "./snappy";

type Decompress = (packed: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Absent in Node before 22.15. `fzstd` in its place would run for minutes on a frame of 19 bytes that announces 98,000 sequences. */
const zstdDecompressSync = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;

/** Most bytes of one page. The largest that is written by default has 1 MiB; Brotli and Zstandard pack a run of one byte into nearly nothing. */
const mostPageBytes = 2 ** 29;
/** Copies of the other codecs come in pieces: gzip reaches 1,032 bytes for one, LZ4 255. */
const tightest = 1100;

/**
 * @param codec number of the format @param size bytes that the page says it had
 * @throws FormatError when they are other ones, or compressed in a way that is not read
 */
export function unpack(packed: Uint8Array, codec: number, size: number, where: string): Uint8Array {
  if (size > mostPageBytes) throw new FormatError(`${where} has a page of ${size} bytes, more than are read at a time (${mostPageBytes}); write smaller pages or row groups.`);
  // levels of the second page version may claim more than the page has
  if (size < 0) throw damaged(where);
  const bytes = unpacked(packed, codec, size, where);
  if (bytes.length !== size) throw damaged(where);
  return bytes;
}

function unpacked(packed: Uint8Array, codec: number, size: number, where: string): Uint8Array {
  if (codec !== 4 && codec !== 6 && size > tightest * (packed.length + 1)) throw damaged(where);
  switch (codec) {
    case 0: return packed;
    case 1: return unpackSnappy(packed, size, where);
    case 2: return unpackBy(zlib.gunzipSync, packed, size, where);
    case 3: throw notRead("LZO", where);
    case 4: return unpackBy(zlib.brotliDecompressSync, packed, size, where);
    case 5: throw notRead("LZ4 in Hadoop's frames", where);
    case 6:
      if (zstdDecompressSync === undefined) {
        throw new FormatError(`${where} is compressed with Zstandard, which needs Node 22.15 or newer (this is ${process.versions.node}); use that, or write the file with Snappy, gzip, Brotli, LZ4_RAW or without compression.`);
      }
      return unpackBy(zstdDecompressSync, packed, size, where);
    case 7: return unpackLz4(packed, size, where);
    default: throw notRead(`method ${codec}`, where);
  }
}

/** @param decompress stops with an error where more than `size` bytes come out */
function unpackBy(decompress: Decompress, packed: Uint8Array, size: number, where: string): Uint8Array {
  try {
    return decompress(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    throw damaged(where);
  }
}

const notRead = (name: string, where: string): FormatError => (
  new FormatError(`${where} is compressed with ${name}, which is not read; write the file with Snappy, gzip, Brotli, Zstandard, LZ4_RAW or without compression.`)
);

const damaged = (where: string): FormatError => new FormatError(`${where} cannot be unpacked; the file is damaged, copy or write it again.`);
