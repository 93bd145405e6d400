/** @file Facts of model files, read in the model thread and kept while the file stays the same. */

import { stat } from "node:fs/promises";
import type { ModelState } from "./snapshot";
import { type RankFacts, canHaveRank } from "./models/modelFacts";
import type { ThreadClient } from "./threads/threadClient";

const maxModels = 200;

export class ModelCache {
  readonly #thread: ThreadClient;
  readonly #states = new Map<string, { stamp: string; state: ModelState }>();
  readonly #ranks = new Map<string, RankFacts | null>();
  readonly #asked = new Set<string>();

  constructor(thread: ThreadClient) {
    this.#thread = thread;
  }

  async state(path: string): Promise<ModelState> {
    let stamp: string;
    try {
      const { size, mtimeMs } = await stat(path);
      stamp = `${size}:${mtimeMs}`;
    } catch {
      return { problem: `${path} cannot be opened.` };
    }
    const known = this.#states.get(path);
    if (known?.stamp === stamp) return known.state;
    const state = await this.#thread.call("modelFacts", { path }).then(
      (facts): ModelState => ({ facts }),
      (error: Error): ModelState => ({ problem: error.message }),
    );
    if (this.#states.size >= maxModels) this.#states.delete(this.#states.keys().next().value ?? "");
    this.#states.set(path, { stamp, state });
    for (const key of this.#ranks.keys()) if (key.startsWith(`${path}\0`)) this.#ranks.delete(key);
    for (const key of this.#asked) if (key.startsWith(`${path}\0`)) this.#asked.delete(key);
    return state;
  }

  /** The rank when it is known; never waits. undefined: not known (yet). */
  knownRank(path: string, tensor: string): RankFacts | null | undefined {
    return this.#ranks.get(`${path}\0${tensor}`);
  }

  /** Computes ranks in the background; each tensor once. */
  async prepareRanks(path: string, tensors: readonly string[]): Promise<void> {
    const known = this.#states.get(path)?.state;
    if (!known || !("facts" in known)) return;
    for (const name of tensors) {
      const key = `${path}\0${name}`;
      const info = known.facts.tensors.find((tensor) => tensor.name === name);
      if (!info || !canHaveRank(info) || this.#asked.has(key)) continue;
      this.#asked.add(key);
      // A tensor that cannot be read has no rank to show; the reader's message is shown where the model is opened.
      this.#ranks.set(key, await this.#thread.call("rank", { path, tensor: name }).catch(() => null));
    }
  }
}
