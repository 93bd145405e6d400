/** @file Lazy reader of safetensors files: also the storage format of results. */

import { FormatError, type ModelFile, type TensorValues } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { openOwned } from "../bytes/fileSource";
import { denseStrides, readDense } from "../tensors/tensorView";
import { readSafetensorsHeader } from "./safetensorsHeader";

/**
 * Opens a safetensors file; `metadata` holds its `__metadata__` strings. Only the header is read until a tensor is asked for.
 * @throws FormatError when the file is absent or damaged.
 */
export async function openSafetensors(path: string): Promise<ModelFile> {
  return openOwned(path, safetensorsFrom);
}

/** The same over any source, which the returned file owns. */
export async function safetensorsFrom(source: ByteSource): Promise<ModelFile> {
  const { entries, metadata, notes } = await readSafetensorsHeader(source);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    format: "safetensors",
    tensors: entries.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    metadata,
    notes,
    async read(name): Promise<TensorValues> {
      const entry = byName.get(name);
      if (entry === undefined) throw new FormatError(`${source.name} holds no tensor named "${name}".`);
      const view = { dtype: entry.dtype, shape: entry.shape, strides: denseStrides(entry.shape), offset: 0, littleEndian: true };
      return readDense(view, `${source.name}: tensor "${name}"`, (offset, length) => source.read(entry.position + offset, length));
    },
    close: () => source.close(),
  };
}
