/** @file The central directory of a ZIP archive: which entries there are and where. */

import { FormatError } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";

export interface ZipEntry {
  readonly name: string;
  readonly method: "stored" | "deflated";
  readonly compressedSize: number;
  readonly size: number;
  /** Offset of the entry's local header. */
  readonly headerOffset: number;
}

const endRecordSize = 22;
const longestComment = 65535;
const endSignature = 0x06054b50;
const end64Size = 56;
const end64Signature = 0x06064b50;
const locator64Size = 20;
const locator64Signature = 0x07064b50;
const entrySignature = 0x02014b50;
const entrySize = 46;
/** Some hundred thousand entries, several times as many as the largest checkpoints have: a listed entry takes far more memory than its 46 bytes and its name. */
const largestDirectory = 2 ** 26;
/** Stands for "see the ZIP64 extra field". */
const saturated = 0xffffffff;

/**
 * All entries by name. Folders (names ending in a slash) are included with size 0.
 * @throws FormatError when the archive is damaged, encrypted, or names an entry twice (programs disagree on which one counts).
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipEntry>> {
  const end = await readEndRecord(source);
  if (end.directorySize > largestDirectory || end.count * entrySize > end.directorySize) {
    throw zipDamage(source, `its directory claims ${end.count} entries in ${end.directorySize} bytes`);
  }
  const bytes = await source.read(end.directoryOffset, end.directorySize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  for (let i = 0; i < end.count; i++) {
    const { entry, next } = readEntry(source, view, position);
    if (entries.has(entry.name)) throw zipDamage(source, `it names the entry "${entry.name}" twice`);
    entries.set(entry.name, entry);
    position = next;
  }
  return entries;
}

export function zipDamage(source: ByteSource, what: string): FormatError {
  return new FormatError(`${source.name} is a damaged ZIP archive: ${what}; copy or save the file again.`);
}

interface EndRecord { count: number; directorySize: number; directoryOffset: number }

async function readEndRecord(source: ByteSource): Promise<EndRecord> {
  const tailStart = Math.max(0, source.size - endRecordSize - longestComment - locator64Size);
  const bytes = await source.read(tailStart, source.size - tailStart);
  const tail = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = findEndRecord(tail);
  if (at < 0) throw zipDamage(source, "its directory is missing, so the file is probably truncated");
  if (at >= locator64Size && tail.getUint32(at - locator64Size, true) === locator64Signature) {
    return readEndRecord64(source, Number(tail.getBigUint64(at - locator64Size + 8, true)));
  }
  return { count: tail.getUint16(at + 10, true), directorySize: tail.getUint32(at + 12, true), directoryOffset: tail.getUint32(at + 16, true) };
}

/** The last record whose comment fits into the rest of the file. */
function findEndRecord(tail: DataView): number {
  for (let at = tail.byteLength - endRecordSize; at >= 0; at--) {
    if (tail.getUint32(at, true) === endSignature && at + endRecordSize + tail.getUint16(at + 20, true) <= tail.byteLength) return at;
  }
  return -1;
}

async function readEndRecord64(source: ByteSource, offset: number): Promise<EndRecord> {
  const bytes = await source.read(offset, end64Size);
  const end = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (end.getUint32(0, true) !== end64Signature) throw zipDamage(source, "its ZIP64 end record is missing");
  return {
    count: Number(end.getBigUint64(32, true)),
    directorySize: Number(end.getBigUint64(40, true)),
    directoryOffset: Number(end.getBigUint64(48, true)),
  };
}

function readEntry(source: ByteSource, view: DataView, at: number): { entry: ZipEntry; next: number } {
  if (at + entrySize > view.byteLength || view.getUint32(at, true) !== entrySignature) throw zipDamage(source, "its directory is unreadable");
  const flags = view.getUint16(at + 8, true);
  const methodCode = view.getUint16(at + 10, true);
  const nameLength = view.getUint16(at + 28, true);
  const extraStart = at + entrySize + nameLength;
  const extraEnd = extraStart + view.getUint16(at + 30, true);
  const next = extraEnd + view.getUint16(at + 32, true);
  if (next > view.byteLength) throw zipDamage(source, "its directory is cut off");
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + entrySize, nameLength));
  if ((flags & 1) !== 0) throw new FormatError(`${source.name}: entry "${name}" is encrypted; save the file without a password.`);
  if (methodCode !== 0 && methodCode !== 8) {
    throw new FormatError(`${source.name}: entry "${name}" is compressed by method ${methodCode}; only stored and deflated entries are read, pack it again.`);
  }
  const sizes = readSizes64(source, view, extraStart, extraEnd, {
    size: view.getUint32(at + 24, true), compressedSize: view.getUint32(at + 20, true), headerOffset: view.getUint32(at + 42, true),
  });
  if (methodCode === 0 && sizes.size !== sizes.compressedSize) throw zipDamage(source, `entry "${name}" is stored but has two sizes`);
  return { entry: { name, method: methodCode === 0 ? "stored" : "deflated", ...sizes }, next };
}

interface Sizes { size: number; compressedSize: number; headerOffset: number }

/** Replaces saturated 32-bit fields by those of the ZIP64 extra field, which holds exactly the saturated ones, in this order. */
function readSizes64(source: ByteSource, view: DataView, start: number, end: number, sizes: Sizes): Sizes {
  for (let at = start; at + 4 <= end;) {
    const id = view.getUint16(at, true);
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > end) break;
    if (id === 1) {
      let position = at + 4;
      const widen = (value: number): number => {
        if (value !== saturated) return value;
        if (position + 8 > fieldEnd) throw zipDamage(source, "a ZIP64 field of its directory is cut off");
        position += 8;
        return Number(view.getBigUint64(position - 8, true));
      };
      return { size: widen(sizes.size), compressedSize: widen(sizes.compressedSize), headerOffset: widen(sizes.headerOffset) };
    }
    at = fieldEnd;
  }
  return sizes;
}
