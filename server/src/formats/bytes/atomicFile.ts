/** @file Files that appear complete or not at all. */

import { randomBytes } from "node:crypto";
import { open, rename, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Appends the whole of `bytes` to the file being written. */
export type Append = (bytes: Uint8Array) => Promise<void>;

const largestSingleWrite = 1 << 30;

/**
 * Writes to a temporary name beside `path`, flushes it to the disk and renames it: readers see the old file or the complete
 * new one, also after a crash. On failure the temporary file is removed and `path` is untouched.
 */
export async function writeFileAtomically(path: string, write: (append: Append) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx");
  try {
    try {
      await write((bytes) => appendAll(handle, bytes));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(dirname(path));
}

async function appendAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(bytes.length - done, largestSingleWrite));
    done += bytesWritten;
  }
}

/** Makes the rename itself durable. Folders cannot be opened on Windows; there the rename is journaled anyway. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Durability of the name is a bonus; the content is already safe.
  }
}
