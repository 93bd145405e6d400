/** @file Answering from the store. */

import { join } from "node:path";
import type { RunEvent } from "../../protocol/events";
import type { ResultMetadata } from "../../protocol/result";
import { loadSpec } from "../spec/loadSpec";
import type { SpecSource } from "../worker/messages";
import { FileHashes } from "./fileHashes";
import { readMetadata } from "./resultFile";
import { resultKey, UnknownHash, type HashFile } from "./resultKey";

export function resultPath(storeFolder: string, key: string): string {
  return join(storeFolder, `${key}.libresult`);
}

/**
 * The events of a stored result when every file that it depends on is remembered unchanged; null when the store must be
 * asked by a worker, which may hash. Reads no large file.
 * @throws SpecError or InputError for a spec that cannot be used.
 */
export async function lookUpWithoutHashing(source: SpecSource, storeFolder: string, run: string): Promise<RunEvent[] | null> {
  const started = performance.now();
  const loaded = await loadSpec(source);
  const found = await resultKey(loaded, rememberedHashes(storeFolder)).catch((error: unknown) => {
    if (error instanceof UnknownHash) return null;
    throw error;
  });
  const stored = found && (await storedResult(storeFolder, found.key));
  return stored && storedEvents(run, stored.file, stored.metadata, loaded.file, (performance.now() - started) / 1000);
}

/** The hashes that a store remembers of files that have not changed since. They throw UnknownHash of any other. */
export function rememberedHashes(storeFolder: string): HashFile {
  const hashes = new FileHashes(storeFolder);
  return async (path) => {
    const hash = await hashes.known(path);
    if (hash === null) throw new UnknownHash(path);
    return hash;
  };
}

/** A complete, readable result with this key; a damaged one counts as absent and is computed again. */
export async function storedResult(storeFolder: string, key: string): Promise<{ file: string; metadata: ResultMetadata } | null> {
  const file = resultPath(storeFolder, key);
  try {
    const metadata = await readMetadata(file);
    return metadata.complete && metadata.key === key ? { file, metadata } : null;
  } catch {
    return null;
  }
}

/** The stream of a run that was answered from the store. */
export function storedEvents(run: string, file: string, metadata: ResultMetadata, spec: string | null, seconds: number): RunEvent[] {
  return [
    {
      run, kind: "started", key: metadata.key, model: metadata.model.path, spec, backend: metadata.backend, samples: metadata.samples,
      nodeLayers: metadata.layers.map(({ name, dimension }) => ({ name, dimension })),
    },
    ...metadata.notes.map((message) => ({ run, kind: "note" as const, message })),
    ...metadata.layers.map((layer) => ({ run, kind: "layer" as const, layer })),
    ...metadata.sections.map((section) => ({ run, kind: "section" as const, section })),
    { run, kind: "done", key: metadata.key, file, seconds, phases: metadata.phases, cached: true },
  ];
}
