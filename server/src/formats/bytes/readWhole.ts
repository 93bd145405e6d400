/** @file Whole files of a bounded size, unpacked when they are compressed with gzip. */

import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { FormatError } from "../modelFile";
import type { ByteSource } from "./byteSource";

const unpack = promisify(gunzip);

/** Bytes unpacked at a time. Zlib's own 16 KiB make unpacking four times slower: every piece is a turn of the event loop. */
const chunkSize = 2 ** 20;

/** Recognises gzip by its magic number. @throws FormatError when the contents are damaged or longer than `limit` bytes. */
export async function readWhole(source: ByteSource, limit: number): Promise<Uint8Array> {
  if (source.size > limit) throw tooLong(source, limit);
  const bytes = await source.read(0, source.size);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const unpacked = await unpack(bytes, { maxOutputLength: limit, chunkSize });
    return new Uint8Array(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLong(source, limit);
    throw new FormatError(`${source.name} is damaged: its gzip contents cannot be unpacked; copy or download it again.`, { cause: error });
  }
}

function tooLong(source: ByteSource, limit: number): FormatError {
  return new FormatError(`${source.name} holds more than ${limit} bytes, the most that is read at once; use a smaller file.`);
}
