/** @file The stored results, kept in memory so that a hover answers at once. */

import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { ResultOutline } from "../protocol/result";

export interface CachedResult { file: string; metadata: ResultOutline }

export interface ResultSource {
  /** Results in the stores of these folders, newest first. */
  results(folders: readonly string[]): Promise<CachedResult[]>;
}

export class ResultIndex {
  readonly #source: ResultSource;
  #results: readonly CachedResult[] = [];
  /** Real path of the model -> its newest result. */
  #ofModel: ReadonlyMap<string, CachedResult> = new Map();
  #newest: Promise<void> = Promise.resolve();

  constructor(source: ResultSource) {
    this.#source = source;
  }

  get all(): readonly CachedResult[] { return this.#results; }

  /** Reads the stores again. @returns whether anything changed. */
  async refresh(folders: readonly string[]): Promise<boolean> {
    const before = this.#signature();
    this.#newest = this.#newest.then(async () => {
      const results = await this.#source.results(folders);
      const ofModel = new Map<string, CachedResult>();
      for (const result of results) {
        const path = await modelPath(result);
        if (!ofModel.has(path)) ofModel.set(path, result);
      }
      [this.#results, this.#ofModel] = [results, ofModel];
    }).catch(() => undefined);
    await this.#newest;
    return this.#signature() !== before;
  }

  /** The newest result of a model file (its path with links resolved). */
  ofModel(path: string): CachedResult | null {
    return this.#ofModel.get(path) ?? null;
  }

  #signature(): string {
    return this.#results.map(({ file, metadata }) => `${file} ${metadata.createdAt} ${JSON.stringify(metadata.layers.map(({ labels }) => labels))}`).join("\n");
  }
}

/** A relative path in a result is relative to the folder that holds the store. Links are resolved, as in the index. */
async function modelPath({ file, metadata }: CachedResult): Promise<string> {
  const path = resolve(dirname(dirname(file)), metadata.model.path);
  return realpath(path).catch(() => path);
}
