/** @file Text files of any length, decoded piece by piece. */

import { FormatError } from "../modelFile";
import type { ByteSource } from "./byteSource";

const chunkSize = 2 ** 22;

/** The text in pieces of at most 4 MiB, then null; a byte order mark is left out. @throws FormatError when it is not UTF-8 */
export async function* decodedText(source: ByteSource): AsyncGenerator<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let offset = 0; offset < source.size; offset += chunkSize) {
    const bytes = await source.read(offset, Math.min(chunkSize, source.size - offset));
    yield decode(source, () => decoder.decode(bytes, { stream: true }));
  }
  yield decode(source, () => decoder.decode());
  yield null;
}

function decode(source: ByteSource, run: () => string): string {
  try {
    return run();
  } catch {
    throw new FormatError(`${source.name} is not UTF-8 text; save it in UTF-8.`);
  }
}
