/** @file The stored results, kept in memory so that a hover answers at once. */

import type { ResultMetadata } from "../protocol/result";

export interface CachedResult { file: string; metadata: ResultMetadata }

export interface ResultSource {
  /** Results in the stores of these folders, newest first. */
  results(folders: readonly string[]): Promise<CachedResult[]>;
}

export class ResultIndex {
  readonly #source: ResultSource;
  #results: readonly CachedResult[] = [];
  #newest: Promise<void> = Promise.resolve();

  constructor(source: ResultSource) {
    this.#source = source;
  }

  get all(): readonly CachedResult[] { return this.#results; }

  /** Reads the stores again. @returns whether anything changed. */
  async refresh(folders: readonly string[]): Promise<boolean> {
    const before = this.#signature();
    this.#newest = this.#newest.then(async () => {
      this.#results = await this.#source.results(folders);
    });
    await this.#newest;
    return this.#signature() !== before;
  }

  /** The newest result of a model file. */
  ofModel(path: string): CachedResult | null {
    return this.#results.find(({ metadata }) => metadata.model.path === path) ?? null;
  }

  #signature(): string {
    return this.#results.map(({ file, metadata }) => `${file} ${metadata.createdAt}`).join("\n");
  }
}
