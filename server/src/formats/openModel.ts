/** @file Opens a model file of any known format, recognised by its content. */

import { FormatError, type ModelFile } from "./modelFile";
import { fileSource } from "./bytes/fileSource";
import { looksLikeSafetensors } from "./safetensors/safetensorsHeader";
import { safetensorsFrom } from "./safetensors/openSafetensors";

/**
 * Opens a model file. The format is recognised by the file's first bytes, never by its extension; nothing in it is executed.
 * @throws FormatError when the file is absent, damaged or of a kind that is not read.
 */
export async function openModel(path: string): Promise<ModelFile> {
  const source = await fileSource(path);
  try {
    const head = await source.read(0, Math.min(16, source.size));
    if (looksLikeSafetensors(head, source.size)) return await safetensorsFrom(source);
    throw new FormatError(`${path} is of no format that is read; export it as safetensors.`);
  } catch (error) {
    await source.close();
    throw error;
  }
}
