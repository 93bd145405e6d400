/** @file One `.libresult` file: reading its metadata without its tensors. */

import { open } from "node:fs/promises";
import { FormatError } from "../../formats/modelFile";
import type { ResultMetadata } from "../../protocol/result";
import { validateMetadata } from "./validateMetadata";

/** Bytes; the header holds names, shapes and the metadata, never tensors. */
const maxHeader = 64 << 20;

/** Name of the JSON text among the safetensors metadata. */
export const metadataField = "lib-lens";

/** Reads the header only. @throws FormatError when the file is absent, not a result, or damaged. */
export async function readMetadata(file: string): Promise<ResultMetadata> {
  const handle = await open(file).catch((error: Error) => {
    throw new FormatError(`The result ${file} cannot be opened (${error.message}): analyse again.`);
  });
  try {
    const length = Buffer.alloc(8);
    const { size } = await handle.stat();
    await handle.read(length, 0, 8, 0);
    const bytes = Number(length.readBigUInt64LE(0));
    if (bytes > maxHeader || bytes + 8 > size) throw new FormatError(`${file} is not a result of LIB Lens: its header does not fit into the file.`);
    const header = Buffer.alloc(bytes);
    await handle.read(header, 0, bytes, 8);
    const fields = JSON.parse(header.toString("utf8")) as { __metadata__?: Record<string, unknown> };
    const text = fields.__metadata__?.[metadataField];
    if (typeof text !== "string") throw new FormatError(`${file} is not a result of LIB Lens: it carries no "${metadataField}" metadata.`);
    return validateMetadata(JSON.parse(text), file);
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatError(`${file} is damaged: its metadata is not JSON. Delete the file and analyse again.`);
    throw error;
  } finally {
    await handle.close();
  }
}
