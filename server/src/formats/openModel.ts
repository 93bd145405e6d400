/** @file Opens a model file of any known format, recognised by its content. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, type ModelFile } from "./modelFile";
import type { ByteSource } from "./bytes/byteSource";
import { openOwned } from "./bytes/fileSource";
import { folderWeights, huggingFaceConfig, openShardIndex } from "./huggingFace";
import { looksLikeLlama2c } from "./llama2c/llama2cHeader";
import { openLlama2c } from "./llama2c/openLlama2c";
import { isNpz, openNpy, openNpz } from "./numpy/openNumpy";
import { looksLikeNpy } from "./numpy/npyHeader";
import { refusal } from "./refusals";
import { safetensorsFrom } from "./safetensors/openSafetensors";
import { looksLikeSafetensors } from "./safetensors/safetensorsHeader";
import { openTorchLegacy } from "./torch/torchLegacy";
import { openTorchZip, torchRoot } from "./torch/torchZip";
import { ZipArchive } from "./zip/zipArchive";

const headLength = 512;

/**
 * Opens a model: a PyTorch file (either container, whole modules too), safetensors, .npy, .npz, a llama2.c export, a Hugging Face index
 * of shards, or a folder with one of these. The format is recognised by the file's bytes, never by its extension; nothing in it is executed, and only
 * what lists the tensors is read. A Hugging Face config.json beside the file becomes `metadata.get("config")`.
 * @throws FormatError when the file is absent, damaged or of a kind that is not read.
 */
export async function openModel(path: string): Promise<ModelFile> {
  const file = await weightsFile(path);
  const model = await openOwned(file, (source) => openModelFrom(source, true));
  const config = await huggingFaceConfig(file);
  return config === null ? model : { ...model, metadata: new Map([...model.metadata, ["config", config]]) };
}

/**
 * The same over any source, which the returned file owns; on failure it is left open.
 * @param followShards whether an index may name further files
 */
export async function openModelFrom(source: ByteSource, followShards = false): Promise<ModelFile> {
  const head = await source.read(0, Math.min(headLength, source.size));
  if (isZip(head)) return openZip(source);
  if (looksLikeNpy(head)) return openNpy(source);
  if (looksLikeSafetensors(head, source.size)) return safetensorsFrom(source);
  if (looksLikeLlama2c(head, source.size)) return openLlama2c(source);
  if (head[0] === 0x80) return openTorchLegacy(source);
  if (head[0] === 0x7b && followShards) {
    const sharded = await openShardIndex(source, (path) => openOwned(path, openModelFrom));
    if (sharded !== null) {
      await source.close();
      return sharded;
    }
  }
  const known = refusal(head);
  throw new FormatError(known !== null ? `${source.name} ${known}.`
    : `${source.name} is of no known format; PyTorch files, safetensors, .npy, .npz and llama2.c exports are read: export the model as one of these.`);
}

async function openZip(source: ByteSource): Promise<ModelFile> {
  const archive = await ZipArchive.open(source);
  const names = [...archive.entries.keys()];
  const root = torchRoot(archive);
  if (root !== null) return openTorchZip(source, archive, root);
  if (isNpz(archive)) return openNpz(source, archive);
  if (names.includes("model.weights.h5")) throw new FormatError(`${source.name} is a Keras archive, which is not read; export its weights as safetensors or .npz.`);
  if (names.some((name) => /(^|\/)models\/[^/]+\.json$|serialized_exported_program\.json$/.test(name))) {
    throw new FormatError(`${source.name} is a torch.export program, which is not read; save the module's state_dict instead.`);
  }
  throw new FormatError(`${source.name} is a ZIP archive without a model (first entry: ${names[0] ?? "none"}); name the model file itself.`);
}

/** PK, then a local header, or the end record of an empty archive. */
function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/** The file itself, or the weights of a folder. @throws FormatError for a folder without any */
export async function weightsFile(path: string): Promise<string> {
  if (!await isKind(path, "folder")) return path;
  for (const name of folderWeights) {
    const candidate = join(path, name);
    if (await isKind(candidate, "file")) return candidate;
  }
  throw new FormatError(`${path} is a folder without ${folderWeights.join(", ")}; name the model file.`);
}

async function isKind(path: string, kind: "file" | "folder"): Promise<boolean> {
  try {
    const found = await stat(path);
    return kind === "file" ? found.isFile() : found.isDirectory();
  } catch {
    return false;
  }
}
