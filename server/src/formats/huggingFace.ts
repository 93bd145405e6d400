/** @file Hugging Face folders: weights split over several files by an index, and the config.json beside them. */

import { basename, dirname, join } from "node:path";
import { FormatError, type ModelFile, type TensorInfo } from "./modelFile";
import { parseJsonObject } from "./bytes/boundedJson";
import type { ByteSource } from "./bytes/byteSource";
import { withFile } from "./bytes/fileSource";

const largestIndex = 2 ** 25;
const largestConfig = 2 ** 20;
const mostShards = 1000;

/** @throws FormatError when the file is larger than `limit` or no JSON object. */
async function readJsonObject(source: ByteSource, limit: number): Promise<Record<string, unknown>> {
  if (source.size > limit) throw new FormatError(`${source.name} has ${source.size} bytes; a JSON file of at most ${limit} was expected.`);
  return parseJsonObject(await source.read(0, source.size), (what) => new FormatError(`${source.name} ${what}; check the file.`));
}

/**
 * Opens the shards that an index file (`model.safetensors.index.json`) names; null when the file is no such index.
 * @param openShard opens one file as a model
 * @throws FormatError when a shard is absent, lies outside the index's folder, or lacks a tensor that the index promises
 */
export async function openShardIndex(source: ByteSource, openShard: (path: string) => Promise<ModelFile>): Promise<ModelFile | null> {
  const weightMap = (await readJsonObject(source, largestIndex))["weight_map"];
  if (typeof weightMap !== "object" || weightMap === null) return null;
  const fileOf = new Map(Object.entries(weightMap as Record<string, unknown>));
  const files = [...new Set(fileOf.values())];
  if (files.length > mostShards) throw new FormatError(`${source.name} names ${files.length} files; at most ${mostShards} are opened.`);
  const shards = new Map<unknown, ModelFile>();
  try {
    for (const file of files) shards.set(file, await openShard(shardPath(source.name, file)));
    return joinShards(source.name, fileOf, shards);
  } catch (error) {
    await closeAll(shards.values());
    throw error;
  }
}

/** Only plain names inside the index's folder are followed. */
function shardPath(indexPath: string, file: unknown): string {
  if (typeof file !== "string" || file === "" || file === "." || file === ".." || /[/\\:\0]/.test(file)) {
    throw new FormatError(`${indexPath} names the shard ${JSON.stringify(file)}, which is not a plain file name beside it; it is not followed.`);
  }
  return join(dirname(indexPath), basename(file));
}

function joinShards(name: string, fileOf: ReadonlyMap<string, unknown>, shards: ReadonlyMap<unknown, ModelFile>): ModelFile {
  const infos = new Map([...shards].map(([file, shard]) => [file, new Map(shard.tensors.map((t): [string, TensorInfo] => [t.name, t]))]));
  const tensors = [...fileOf].map(([tensor, file]) => {
    const info = infos.get(file)?.get(tensor);
    if (info === undefined) throw new FormatError(`${name} places tensor "${tensor}" in ${String(file)}, which does not hold it; download the model again.`);
    return info;
  });
  const first = [...shards.values()][0];
  if (first === undefined) throw new FormatError(`${name} names no shard; download the model again.`);
  return {
    format: first.format,
    tensors,
    metadata: first.metadata,
    notes: [...shards.values()].flatMap((shard) => shard.notes),
    async read(tensor) {
      const shard = shards.get(fileOf.get(tensor));
      if (shard === undefined) throw new FormatError(`${name} holds no tensor named "${tensor}".`);
      return shard.read(tensor);
    },
    close: () => closeAll(shards.values()),
  };
}

async function closeAll(files: Iterable<ModelFile>): Promise<void> {
  await Promise.all([...files].map((file) => file.close()));
}

/** The config.json beside a model when it is one of a Hugging Face model, else null. A damaged one counts as absent. */
export async function huggingFaceConfig(modelPath: string): Promise<Record<string, unknown> | null> {
  try {
    const config = await withFile(join(dirname(modelPath), "config.json"), (source) => readJsonObject(source, largestConfig));
    return typeof config["model_type"] === "string" ? config : null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Names under which a Hugging Face folder keeps its weights, in order of preference. */
export const folderWeights = [
  "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
] as const;
