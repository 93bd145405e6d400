/** @file Whole files of a bounded size, unpacked when they are compressed with gzip. */

import { promisify } from "node:util";
import { constants, createGunzip, gunzip } from "node:zlib";
import { FormatError } from "../modelFile";
import type { ByteSource } from "./byteSource";

const unpack = promisify(gunzip);

/** Bytes unpacked at a time. Zlib's own 16 KiB make unpacking four times slower: every piece is a turn of the event loop. */
const chunkSize = 2 ** 20;

/** Deflate cannot expand more than this. */
const largestRatio = 1032;
/** Compressed bytes that the first ones of the contents are unpacked from. */
const compressedHead = 4096;

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

/**
 * The same for contents that tell their own length: of compressed ones no more is unpacked, however much they would become.
 * @param lengthOf bytes of the contents, by their first ones
 */
export async function readDeclared(source: ByteSource, limit: number, lengthOf: (head: Uint8Array) => number): Promise<Uint8Array> {
  if (source.size > limit) throw tooLong(source, limit);
  const bytes = await source.read(0, source.size);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const length = lengthOf(await unpack(bytes.subarray(0, compressedHead), { finishFlush: constants.Z_SYNC_FLUSH }));
    if (length > limit) throw tooLong(source, limit);
    return await unpackFirst(bytes, Math.min(length, bytes.length * largestRatio));
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${source.name} is damaged: its gzip contents cannot be unpacked; copy or download it again.`, { cause: error });
  }
}

/** The first `length` bytes, fewer where there are no more. */
async function unpackFirst(bytes: Uint8Array, length: number): Promise<Uint8Array> {
  const contents = new Uint8Array(length);
  let filled = 0;
  const unpacking = createGunzip({ chunkSize });
  unpacking.end(bytes);
  for await (const piece of unpacking as AsyncIterable<Uint8Array>) {
    const taken = piece.subarray(0, length - filled);
    contents.set(taken, filled);
    filled += taken.length;
    if (filled === length) break;
  }
  return contents.subarray(0, filled);
}

function tooLong(source: ByteSource, limit: number): FormatError {
  return new FormatError(`${source.name} holds more than ${limit} bytes, the most that is read at once; use a smaller file.`);
}
