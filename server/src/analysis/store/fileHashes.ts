/**
 * @file SHA-256 of files, remembered by size and modification time in `index.json` of the store folder, so that a stored
 * result is found without reading the checkpoint again.
 */

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { withFile } from "../../formats/bytes/fileSource";

interface Entry { size: number; modified: number; sha256: string }

/** Bytes read at a time. */
const pieceLength = 1 << 20;

/** Entries kept; the oldest go first. */
const capacity = 1000;

export class FileHashes {
  private entries: Map<string, Entry> | null = null;

  constructor(private readonly folder: string) {}

  /** The remembered hash, when the file has not changed since; never reads the file itself. */
  async known(path: string): Promise<string | null> {
    const entries = await this.load();
    const now = await identity(path);
    const entry = entries.get(path);
    return entry && now && entry.size === now.size && entry.modified === now.modified ? entry.sha256 : null;
  }

  /** The hash, computed when it is not remembered. Reads in pieces. @throws FormatError when the file cannot be read. */
  async of(path: string, checkCancelled: () => void = () => undefined): Promise<string> {
    const known = await this.known(path);
    if (known) return known;
    const before = await identity(path);
    const hash = createHash("sha256");
    await withFile(path, async (source) => {
      for (let done = 0; done < source.size; done += pieceLength) {
        checkCancelled();
        hash.update(await source.read(done, Math.min(pieceLength, source.size - done)));
      }
    });
    const sha256 = hash.digest("hex");
    if (before) await this.remember(path, { ...before, sha256 });
    return sha256;
  }

  private async remember(path: string, entry: Entry): Promise<void> {
    const entries = await this.load();
    entries.delete(path);
    entries.set(path, entry);
    const kept = [...entries].slice(-capacity);
    try {
      await mkdir(this.folder, { recursive: true });
      const temporary = join(this.folder, `.index-${process.pid}-${Date.now()}.tmp`);
      await writeFile(temporary, JSON.stringify(Object.fromEntries(kept)));
      await rename(temporary, join(this.folder, "index.json"));
    } catch {
      // A store that cannot be written costs time here, not correctness; writing the result will say so.
    }
  }

  private async load(): Promise<Map<string, Entry>> {
    if (this.entries) return this.entries;
    const entries = new Map<string, Entry>();
    try {
      const parsed: unknown = JSON.parse(await readFile(join(this.folder, "index.json"), "utf8"));
      for (const [path, entry] of Object.entries(parsed as object)) if (isEntry(entry)) entries.set(path, entry);
    } catch {
      // Absent or damaged: it is only a cache.
    }
    return (this.entries = entries);
  }
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Entry | null;
  return typeof entry === "object" && entry !== null && typeof entry.size === "number" && typeof entry.modified === "number"
    && typeof entry.sha256 === "string" && /^[0-9a-f]{64}$/.test(entry.sha256);
}

async function identity(path: string): Promise<{ size: number; modified: number } | null> {
  try {
    const facts = await stat(path);
    return { size: facts.size, modified: facts.mtimeMs };
  } catch {
    return null;
  }
}
