/** @file Positioned reads from a file on disk. */

import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { FormatError } from "../modelFile";
import { requireRange, type ByteSource } from "./byteSource";

/** One read call of the operating system takes less than 2 GiB. */
const largestSingleRead = 1 << 30;

/**
 * @throws FormatError when the file is absent, unreadable or not a regular file (a pipe or device could block for ever or never end).
 */
async function fileSource(path: string): Promise<ByteSource> {
  const handle = await openForReading(path);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new FormatError(`${path} is not a regular file; name a model or data file.`);
    return new FileSource(path, stat.size, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Runs `use` on the opened file and closes it afterwards, whatever happens. */
export async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await fileSource(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** What `open` makes of the opened file owns it from then on; where `open` fails the file is closed. */
export async function openOwned<T>(path: string, open: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await fileSource(path);
  try {
    return await open(source);
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer. Windows has neither.
    return await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    throw new FormatError(`${path} cannot be opened: ${openFailure(error)}.`, { cause: error });
  }
}

function openFailure(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file; check the path";
  if (code === "EACCES" || code === "EPERM") return "permission is denied; check its access rights";
  if (code === "EISDIR") return "it is a folder; name a file in it";
  return error instanceof Error ? error.message : String(error);
}

class FileSource implements ByteSource {
  constructor(readonly name: string, readonly size: number, private readonly handle: FileHandle) {}

  async read(offset: number, length: number): Promise<Uint8Array> {
    requireRange(this, offset, length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.handle.read(bytes, done, Math.min(length - done, largestSingleRead), offset + done);
      if (bytesRead === 0) throw new FormatError(`${this.name} became shorter while it was read; wait until it is written, then try again.`);
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.handle.close();
  }
}
