/** @file PyTorch files since 1.6: a ZIP archive with a pickle and one entry per storage. TorchScript archives are read alike. */

import { FormatError, type ModelFile } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { unpickle } from "../pickle/unpickler";
import type { ZipArchive } from "../zip/zipArchive";
import { readCheckpoint } from "./stateDictRoot";
import { torchModel } from "./torchModel";
import { TorchInterpreter } from "./torchTensors";

const largestPickle = 2 ** 28;

/** Folder of the archive that holds `data.pkl`, with its slash; null when this is no PyTorch archive. */
export function torchRoot(archive: ZipArchive): string | null {
  const pickles = [...archive.entries.keys()].filter((name) => name === "data.pkl" || name.endsWith("/data.pkl"));
  const shortest = pickles.sort((a, b) => a.length - b.length)[0];
  return shortest === undefined ? null : shortest.slice(0, -"data.pkl".length);
}

/**
 * Only the directory and the pickle are read here; storages are read when a tensor is asked for.
 * @param root see torchRoot
 */
export async function openTorchZip(source: ByteSource, archive: ZipArchive, root: string): Promise<ModelFile> {
  const bytes = await archive.readAll(`${root}data.pkl`, largestPickle);
  const interpreter = new TorchInterpreter(source.name, await isLittleEndian(source, archive, root));
  const { value } = unpickle(bytes, source.name, interpreter);
  const contents = readCheckpoint(value, source.name);
  const script = scriptFiles(archive, root);
  const isScript = script.length > 0 || archive.entries.has(`${root}constants.pkl`);
  const entryOf = (key: string): string => `${root}data/${key}`;
  return torchModel(isScript ? "torchscript" : "pytorch", source.name, {
    tensors: contents.tensors,
    metadata: isScript ? new Map([...contents.metadata, ["torchScriptFiles", script]]) : contents.metadata,
    notes: isScript ? [...contents.notes, "TorchScript code is listed, not read or run: only the weights count."] : contents.notes,
  }, {
    sizeOf: (storage) => archive.entries.get(entryOf(storage.key))?.size ?? 0,
    read: (storage, offset, length) => archive.read(entryOf(storage.key), offset, length),
    close: () => source.close(),
  });
}

async function isLittleEndian(source: ByteSource, archive: ZipArchive, root: string): Promise<boolean> {
  const name = `${root}byteorder`;
  if (!archive.entries.has(name)) return true;
  const order = new TextDecoder().decode(await archive.readAll(name, 16)).trim();
  if (order !== "little" && order !== "big") throw new FormatError(`${source.name} names an unknown byte order; the file is damaged, save it again.`);
  return order === "little";
}

function scriptFiles(archive: ZipArchive, root: string): string[] {
  return [...archive.entries.keys()].filter((name) => name.startsWith(`${root}code/`) && name.endsWith(".py")).slice(0, 1000);
}
