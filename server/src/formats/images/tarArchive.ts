/** @file The files of a tar archive (ustar, GNU long names, pax paths), where they lie: nothing is unpacked. */

import type { ByteSource } from "../bytes/byteSource";
import { FormatError } from "../modelFile";

const block = 512;
const mostEntries = 2 ** 20;
const longestName = 2 ** 12;
const headersBetweenChecks = 256;

export interface TarEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Regular files in the order of the archive. @throws FormatError when it is damaged or holds more than a million entries */
export async function tarEntries(source: ByteSource, checkCancelled: () => void): Promise<readonly TarEntry[]> {
  const entries: TarEntry[] = [];
  let longName: string | null = null;
  for (let at = 0, headers = 0; at + block <= source.size; headers++) {
    if (headers % headersBetweenChecks === 0) checkCancelled();
    if (headers > mostEntries) throw new FormatError(`${source.name} holds more than ${mostEntries} entries, more than are read.`);
    const header = Buffer.from(await source.read(at, block));
    if (header.every((byte) => byte === 0)) break;
    const size = parseSize(header, source, at);
    const kind = String.fromCharCode(header[156]!);
    const start = at + block;
    if (start + size > source.size) throw damage(source, at, `an entry of ${size} bytes ends beyond the file`);
    if (kind === "L" || kind === "x") {
      if (size > longestName) throw damage(source, at, `a name has ${size} bytes`);
      const content = Buffer.from(await source.read(start, size)).toString("utf8");
      longName = kind === "L" ? content.replace(/\0.*$/s, "") : /^\d+ path=(.*)$/m.exec(content)?.[1] ?? longName;
    } else {
      if (kind === "0" || kind === "\0") entries.push({ name: longName ?? ownName(header), offset: start, size });
      longName = null;
    }
    at = start + Math.ceil(size / block) * block;
  }
  return entries;
}

/** A header's sum of bytes, with its own field as spaces, tells archives from other files. */
function looksLikeTar(head: Uint8Array): boolean {
  if (head.length < block) return false;
  const said = octal(Buffer.from(head.subarray(148, 156)).toString("latin1"));
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 0x20 : head[i]!;
  return said === sum;
}

function parseSize(header: Buffer, source: ByteSource, at: number): number {
  const size = octal(header.toString("latin1", 124, 136));
  if (!looksLikeTar(header) || size === null) throw damage(source, at, "there is no header");
  return size;
}

function ownName(header: Buffer): string {
  const text = (from: number, to: number): string => header.toString("utf8", from, to).replace(/\0.*$/s, "");
  const prefix = header.toString("latin1", 257, 262) === "ustar" ? text(345, 500) : "";
  return prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

function octal(text: string): number | null {
  const digits = /^[ ]*([0-7]+)[\0 ]*$/.exec(text)?.[1];
  return digits === undefined ? null : parseInt(digits, 8);
}

const damage = (source: ByteSource, at: number, what: string): FormatError => new FormatError(`${source.name} is no readable tar archive: at byte ${at} ${what}; copy it again.`);
