/** @file Files that appear complete or not at all. */

import { randomBytes } from "node:crypto";
import { access, constants, mkdir, open, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FormatError } from "../modelFile";

/** Appends the whole of `bytes` to the file being written. */
export type Append = (bytes: Uint8Array) => Promise<void>;

const largestSingleWrite = 1 << 30;

/**
 * Writes to a temporary name beside `path`, flushes it to the disk and renames it: readers see the old file or the complete
 * new one, also after a crash. On failure the temporary file is removed and `path` is untouched.
 * @throws FormatError where no file can be written
 */
export async function writeFileAtomically(path: string, write: (append: Append) => Promise<void>): Promise<void> {
  await requireWritable(path);
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

/** As `writeFileAtomically`, for a text. */
export function writeTextAtomically(path: string, text: string): Promise<void> {
  return writeFileAtomically(path, (append) => append(new TextEncoder().encode(text)));
}

/** Said before long work, so that its result has a place. @throws FormatError where no file `path` can be written. */
export async function requireWritable(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isDirectory()) throw new FormatError(`${path} cannot be written: it is a folder; name a file in it.`);
  const folder = dirname(path);
  try {
    if (!(await stat(folder)).isDirectory()) throw new FormatError(`${path} cannot be written: ${folder} is a file, not a folder; choose another.`);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(path, folder, error);
  }
}

/** Makes the folder where it is missing. @throws FormatError where no file in it can be written. */
export async function requireWritableFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unwritable(folder, folder, error);
  }
}

function unwritable(path: string, folder: string, error: unknown): Error {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT": return new FormatError(`${path} cannot be written: there is no folder ${folder}; create it or choose another.`, { cause: error });
    case "EEXIST":
    case "ENOTDIR": return new FormatError(`${path} cannot be written: a part of the path is a file, not a folder; choose another.`, { cause: error });
    case "EACCES":
    case "EPERM":
    case "EROFS": return new FormatError(`${path} cannot be written: permission is denied; check the access rights or choose another folder.`, { cause: error });
    default: return error instanceof Error ? error : new Error(String(error));
  }
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
