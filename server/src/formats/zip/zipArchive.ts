/** @file Random access to ZIP archives (stored and deflate, ZIP64): reads the directory, then only the entries asked for. */

import { promisify } from "node:util";
import { constants, inflateRaw } from "node:zlib";
import type { ByteSource } from "../bytes/byteSource";
import { readZipDirectory, zipDamage, type ZipEntry } from "./zipDirectory";

const inflate = promisify(inflateRaw);

/** Deflate cannot expand more than this; an entry that claims more is lying about its size. */
const largestDeflateRatio = 1032;
/** Compressed entries are inflated as a whole. */
const largestInflated = 2 ** 30;
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
    return (await this.inflateEntry(entry)).subarray(offset, offset + length);
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
    const head = await this.inflateBytes(entry, compressed, (compressed.length + 1) * largestDeflateRatio, true);
    return head.subarray(0, length);
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

  private async inflateEntry(entry: ZipEntry): Promise<Uint8Array> {
    if (entry.size > largestInflated || entry.size > (entry.compressedSize + 1) * largestDeflateRatio) {
      throw zipDamage(this.source, `entry "${entry.name}" claims to expand from ${entry.compressedSize} to ${entry.size} bytes, which is not read`);
    }
    const compressed = await this.source.read(await this.dataOffset(entry), entry.compressedSize);
    const bytes = await this.inflateBytes(entry, compressed, Math.max(1, entry.size), false);
    if (bytes.length !== entry.size) throw zipDamage(this.source, `entry "${entry.name}" holds ${bytes.length} bytes instead of ${entry.size}`);
    return bytes;
  }

  private async inflateBytes(entry: ZipEntry, compressed: Uint8Array, maxOutputLength: number, partial: boolean): Promise<Uint8Array> {
    try {
      // Z_SYNC_FLUSH accepts input that stops in the middle; Z_FINISH does not.
      return await inflate(compressed, { maxOutputLength, finishFlush: partial ? constants.Z_SYNC_FLUSH : constants.Z_FINISH });
    } catch {
      throw zipDamage(this.source, `the compressed contents of entry "${entry.name}" are damaged or longer than declared`);
    }
  }
}
