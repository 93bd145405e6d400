/** @file Where readers take their bytes from: positioned, bounded reads, so that listing a checkpoint never reads all of it. */

import { FormatError } from "../modelFile";

export interface ByteSource {
  /** What error messages call it: the path of a file. */
  readonly name: string;
  readonly size: number;
  /**
   * Bytes [offset, offset + length). The caller must not change them: they may be a view of shared memory.
   * @throws FormatError when the range leaves the source.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @throws FormatError unless [offset, offset + length) lies inside the source. */
export function requireRange(source: { name: string; size: number }, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= source.size;
  if (!valid) {
    throw new FormatError(
      `${source.name}: the file ends at byte ${source.size}, but its contents refer to ${length} bytes at offset ${offset}; ` +
      "it is truncated or damaged, copy or download it again.",
    );
  }
}

export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  const range = { name, size: bytes.length };
  return {
    name,
    size: bytes.length,
    read(offset, length) {
      requireRange(range, offset, length);
      return Promise.resolve(bytes.subarray(offset, offset + length));
    },
    close: () => Promise.resolve(),
  };
}
