/** @file Random access to ZIP archives (stored and deflate, ZIP64): reads the directory, then only the entries asked for. */

import { promisify } from "node:util";
import { constants, createInflateRaw, inflateRaw } from "node:zlib";
import type { FormatError } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { readZipDirectory, zipDamage, type ZipEntry } from "./zipDirectory";

const inflate = promisify(inflateRaw);

/** Deflate cannot expand more than this; an entry that claims more is lying about its size. */
const largestDeflateRatio = 1032;
/** Compressed entries are inflated from their start, however little of them is wanted. */
const largestInflated = 2 ** 30;
/** Bytes inflated at a time. */
const chunkSize = 2 ** 20;
const localHeaderSize = 30;
const localHeaderSignature = 0x04034b50;

export class ZipArchive {
  private constructor(private readonly source: ByteSource, readonly entries: ReadonlyMap<string, ZipEntry>) {}

  /** @throws FormatError when the source is not a readable ZIP archive. */
  static async open(source: ByteSource): Promise<ZipArchive> {
    return new ZipArchive(source, await readZipDirectory(source));
  }

  /**
   * Bytes [offset, offset + length) of an entry's contents.
   * @throws FormatError when the entry is absent, the range leaves it, or its contents are damaged.
   */
  async read(name: string, offset: number, length: number): Promise<Uint8Array> {
    const entry = this.entry(name);
    if (!(offset >= 0 && length >= 0 && offset + length <= entry.size)) {
      throw zipDamage(this.source, `entry "${name}" holds ${entry.size} bytes where ${offset + length} are needed`);
    }
    if (entry.method === "stored") return this.source.read(await this.dataOffset(entry) + offset, length);
    return this.inflateRange(entry, offset, length);
  }

  /** The whole contents. @throws FormatError also when they are longer than `limit` bytes. */
  async readAll(name: string, limit: number): Promise<Uint8Array> {
    const { size } = this.entry(name);
    if (size > limit) throw zipDamage(this.source, `entry "${name}" claims ${size} bytes; at most ${limit} are read`);
    return this.read(name, 0, size);
  }

  /**
   * Up to `length` bytes from the start; fewer when the compressed form of the first `length` bytes gives no more.
   * Costs no more than that, however large the entry is.
   */
  async readHead(name: string, length: number): Promise<Uint8Array> {
    const entry = this.entry(name);
    if (entry.method === "stored") return this.read(name, 0, Math.min(length, entry.size));
    const compressed = await this.source.read(await this.dataOffset(entry), Math.min(length, entry.compressedSize));
    try {
      // Z_SYNC_FLUSH accepts input that stops in the middle.
      const head = await inflate(compressed, { maxOutputLength: (compressed.length + 1) * largestDeflateRatio, finishFlush: constants.Z_SYNC_FLUSH });
      return head.subarray(0, length);
    } catch {
      throw this.damagedContents(entry);
    }
  }

  private entry(name: string): ZipEntry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw zipDamage(this.source, `it has no entry "${name}"`);
    return entry;
  }

  /** Where the contents begin: the local header has its own name and extra field, whose lengths may differ from the directory's. */
  private async dataOffset(entry: ZipEntry): Promise<number> {
    const bytes = await this.source.read(entry.headerOffset, localHeaderSize);
    const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (header.getUint32(0, true) !== localHeaderSignature) throw zipDamage(this.source, `entry "${entry.name}" has no local header`);
    return entry.headerOffset + localHeaderSize + header.getUint16(26, true) + header.getUint16(28, true);
  }

  /** Holds no more than the range, and stops after it; a range up to the end also shows that there is nothing behind it. */
  private async inflateRange(entry: ZipEntry, offset: number, length: number): Promise<Uint8Array> {
    if (entry.size > largestInflated || entry.size > (entry.compressedSize + 1) * largestDeflateRatio) {
      throw zipDamage(this.source, `entry "${entry.name}" claims to expand from ${entry.compressedSize} to ${entry.size} bytes, which is not read`);
    }
    const inflating = createInflateRaw({ chunkSize });
    inflating.end(await this.source.read(await this.dataOffset(entry), entry.compressedSize));
    const bytes = new Uint8Array(length);
    const end = offset + length;
    let position = 0;
    try {
      for await (const piece of inflating as AsyncIterable<Uint8Array>) {
        const wanted = piece.subarray(Math.max(0, offset - position), Math.max(0, end - position));
        if (wanted.length > 0) bytes.set(wanted, Math.max(0, position - offset));
        position += piece.length;
        if (position > entry.size || (position >= end && end < entry.size)) break;
      }
    } catch {
      throw this.damagedContents(entry);
    }
    if (position > entry.size) throw this.damagedContents(entry);
    if (position < end) throw zipDamage(this.source, `entry "${entry.name}" holds ${position} bytes instead of ${entry.size}`);
    return bytes;
  }

  private damagedContents(entry: ZipEntry): FormatError {
    return zipDamage(this.source, `the compressed contents of entry "${entry.name}" are damaged or longer than declared`);
  }
}
