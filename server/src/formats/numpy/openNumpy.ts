/** @file Readers of .npy (one array) and .npz (a ZIP archive of them). */

import { basename } from "node:path";
import { FormatError, type ModelFile, type TensorValues } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { elementSize } from "../tensors/elements";
import { checkView, elementCount, readDense } from "../tensors/tensorView";
import type { ZipArchive } from "../zip/zipArchive";
import { npyHeaderLength, parseNpyHeader, type NpyHeader } from "./npyHeader";

interface NamedArray extends NpyHeader {
  readonly name: string;
  readonly where: string;
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
}

/** Arrays are listed with their headers only; a compressed archive entry costs the first kilobytes of it. */
const npzHead = 4096;

/** The array is named after the file, without its extension. */
export async function openNpy(source: ByteSource): Promise<ModelFile> {
  const read = (offset: number, length: number): Promise<Uint8Array> => source.read(offset, length);
  const head = await source.read(0, Math.min(12, source.size));
  const header = await source.read(0, Math.min(source.size, npyHeaderLength(head, source.name)));
  const name = basename(source.name).replace(/\.npy$/i, "");
  return numpyModel("npy", source, [namedArray(name, source.name, header, source.size, read)], []);
}

export const isNpz = (archive: ZipArchive): boolean => [...archive.entries.keys()].some((name) => name.endsWith(".npy"));

/** Arrays are named as in `numpy.load`: the entry without ".npy". Entries that are no arrays or hold Python objects are noted and left out. */
export async function openNpz(source: ByteSource, archive: ZipArchive): Promise<ModelFile> {
  const arrays: NamedArray[] = [];
  const notes: string[] = [];
  for (const entry of archive.entries.values()) {
    if (!entry.name.endsWith(".npy")) {
      if (!entry.name.endsWith("/")) notes.push(`Entry "${entry.name}" is no array; it is left out.`);
      continue;
    }
    const name = entry.name.slice(0, -".npy".length);
    const where = `${source.name}: array "${name}"`;
    try {
      const head = await readHeader(archive, entry.name, where);
      arrays.push(namedArray(name, where, head, entry.size, (offset, length) => archive.read(entry.name, offset, length)));
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      notes.push(`${error.message} It is left out.`);
    }
  }
  if (arrays.length === 0) throw new FormatError(`${source.name} holds no array that can be read: ${notes[0] ?? "it is empty"}`);
  return numpyModel("npz", source, arrays, notes);
}

async function readHeader(archive: ZipArchive, entry: string, where: string): Promise<Uint8Array> {
  const head = await archive.readHead(entry, npzHead);
  const length = npyHeaderLength(head, where);
  return length <= head.length ? head : archive.read(entry, 0, length);
}

function namedArray(name: string, where: string, header: Uint8Array, size: number, read: NamedArray["read"]): NamedArray {
  const { view, dataOffset } = parseNpyHeader(header, where);
  const stored = Math.floor((size - dataOffset) / elementSize(view.dtype));
  const count = elementCount(view.shape, where);
  if (count > stored) throw new FormatError(`${where} needs ${count} elements, the file holds ${Math.max(0, stored)}; it is truncated, copy it again.`);
  checkView(view, stored, where);
  return { name, where, view, dataOffset, read };
}

function numpyModel(format: string, source: ByteSource, arrays: readonly NamedArray[], notes: readonly string[]): ModelFile {
  const byName = new Map(arrays.map((array) => [array.name, array]));
  return {
    format,
    tensors: arrays.map(({ name, view }) => ({ name, dtype: view.dtype, shape: view.shape })),
    metadata: new Map(),
    notes,
    async read(name): Promise<TensorValues> {
      const array = byName.get(name);
      if (array === undefined) throw new FormatError(`${source.name} holds no array named "${name}".`);
      return readDense(array.view, array.where, (offset, length) => array.read(array.dataOffset + offset, length));
    },
    close: () => source.close(),
  };
}
