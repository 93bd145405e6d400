/**
 * @file PyTorch files before 1.6 (and `_use_new_zipfile_serialization=False`): five pickles in one stream (magic number, protocol,
 * system facts, the object, storage keys), then for each key an int64 element count and the raw elements. Bare pickles are read too.
 */

import { FormatError, type ModelFile } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { PickleTruncated } from "../pickle/pickleCursor";
import { sequenceItems } from "../pickle/pickleValues";
import { unpickle, type PickleInterpreter, type Unpickled } from "../pickle/unpickler";
import { elementSize } from "../tensors/elements";
import { readCheckpoint } from "./stateDictRoot";
import { torchModel, type StorageReader } from "./torchModel";
import { TorchInterpreter, type TorchStorage } from "./torchTensors";

const magicNumber = 0x1950a86a20f9469cfc6cn;
const firstWindow = 2 ** 16;
const largestPickles = 2 ** 28;

export async function openTorchLegacy(source: ByteSource): Promise<ModelFile> {
  const pickles = new PickleStream(source);
  const magic = await pickles.next({});
  if (magic !== magicNumber) {
    const contents = readCheckpoint(magic, source.name);
    return torchModel("pickle", source.name, contents, storageReader(source, new Map()));
  }
  await pickles.next({});
  const system = await pickles.next({});
  const littleEndian = !(system instanceof Map) || system.get("little_endian") !== false;
  const interpreter = new TorchInterpreter(source.name, littleEndian);
  const contents = readCheckpoint(await pickles.next(interpreter), source.name);
  const keys = sequenceItems(await pickles.next({}));
  if (!keys?.every((key) => typeof key === "string")) throw new FormatError(`${source.name} lists no storages; the file is damaged, save it again.`);
  const positions = await locateStorages(source, pickles.position, keys, interpreter.storages, littleEndian);
  return torchModel("pytorch-legacy", source.name, contents, storageReader(source, positions));
}

/** Pickles one after another; the window on the file grows until the current one fits, because its length is not known in advance. */
class PickleStream {
  position = 0;
  private window = new Uint8Array(0);
  constructor(private readonly source: ByteSource) {}

  async next(interpreter: PickleInterpreter): Promise<unknown> {
    let wanted = Math.max(this.window.length, Math.min(firstWindow, this.source.size));
    for (;;) {
      if (wanted > this.window.length) this.window = await this.source.read(0, wanted) as Uint8Array<ArrayBuffer>;
      const result = this.attempt(interpreter);
      if (!(result instanceof PickleTruncated)) {
        this.position = result.end;
        return result.value;
      }
      const limit = Math.min(this.source.size, largestPickles);
      if (result.needed > limit || this.window.length >= limit) throw result;
      wanted = Math.min(limit, Math.max(result.needed, 4 * this.window.length));
    }
  }

  private attempt(interpreter: PickleInterpreter): Unpickled | PickleTruncated {
    try {
      return unpickle(this.window, this.source.name, interpreter, this.position);
    } catch (error) {
      if (error instanceof PickleTruncated) return error;
      throw error;
    }
  }
}

interface StoragePosition { readonly offset: number; readonly bytes: number }

/** Storages follow each other in the order of the keys. */
async function locateStorages(
  source: ByteSource, start: number, keys: readonly string[], storages: ReadonlyMap<string, TorchStorage>, littleEndian: boolean,
): Promise<Map<string, StoragePosition>> {
  const positions = new Map<string, StoragePosition>();
  let offset = start;
  for (const key of keys) {
    const storage = storages.get(key);
    if (storage === undefined) throw new FormatError(`${source.name} lists a storage "${key.slice(0, 80)}" that its contents do not use; the file is damaged, save it again.`);
    const count = await source.read(offset, 8);
    const elements = Number(new DataView(count.buffer, count.byteOffset, 8).getBigInt64(0, littleEndian));
    if (elements !== storage.elements) throw new FormatError(`${source.name}: storage "${key.slice(0, 80)}" holds ${elements} elements instead of ${storage.elements}; the file is damaged, save it again.`);
    const bytes = elements * elementSize(storage.dtype);
    if (offset + 8 + bytes > source.size) throw new FormatError(`${source.name} ends within storage "${key.slice(0, 80)}"; the file is truncated, copy it again.`);
    positions.set(key, { offset: offset + 8, bytes });
    offset += 8 + bytes;
  }
  return positions;
}

function storageReader(source: ByteSource, positions: ReadonlyMap<string, StoragePosition>): StorageReader {
  return {
    sizeOf: (storage) => positions.get(storage.key)?.bytes ?? 0,
    read: (storage, offset, length) => source.read((positions.get(storage.key)?.offset ?? 0) + offset, length),
    close: () => source.close(),
  };
}
