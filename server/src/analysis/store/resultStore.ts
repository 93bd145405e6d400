/** @file Reading the result stores: what is there, and the outline of every result, kept in memory while the file is unchanged. */

import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ResultMetadata, ResultOutline } from "../../protocol/result";
import { labelFilesState, type LabelledResult } from "./labelsFile";
import { readMetadata } from "./resultFile";
import { ResultReader } from "./resultReader";

export interface StoredResult { file: string; metadata: ResultOutline }

interface Kept { size: number; modified: number; outline: ResultOutline }

/** Reads whole files; a host that must never be busy lets another thread do it. */
export type StoreReader = Pick<ResultReader, "outline" | "labels">;

/** Labels of a result while the labels files are unchanged. */
interface KeptLabels { state: string; key: string; labels: ReadonlyMap<string, (string | null)[]> }

/** Results kept in memory. */
const capacity = 64;

export class ResultStore {
  private readonly kept = new Map<string, Kept>();
  private readonly labels = new Map<string, KeptLabels>();

  constructor(private readonly reader: StoreReader = new ResultReader()) {}

  /** Readable, complete results in these store folders, newest first. */
  async list(folders: readonly string[]): Promise<StoredResult[]> {
    const found: StoredResult[] = [];
    for (const folder of new Set(folders)) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names.filter((one) => one.endsWith(".libresult") && !one.startsWith("."))) {
        const file = join(folder, name);
        const metadata = await this.outline(file).catch(() => null);
        if (metadata) found.push({ file, metadata });
      }
    }
    return found.sort((a, b) => Date.parse(b.metadata.createdAt) - Date.parse(a.metadata.createdAt));
  }

  /** With the labels that a file beside the spec gives the features. @throws FormatError when the file is not a result or is damaged. */
  async outline(file: string): Promise<ResultOutline> {
    return this.labelled(file, await this.unlabelled(file));
  }

  /** The same with all listed edges, read in this thread. */
  async metadata(file: string): Promise<ResultMetadata> {
    return this.labelled(file, await readMetadata(file));
  }

  private async labelled<T extends Pick<ResultMetadata, "key" | "layers">>(file: string, metadata: T): Promise<T> {
    const store = dirname(file);
    // Beside the spec, which lies beside the store, or in the store itself.
    const shown = await this.shownLabels(file, [dirname(store), store], { key: metadata.key, layers: metadata.layers.map(({ name, kept }) => ({ name, kept })) });
    return { ...metadata, layers: metadata.layers.map((layer) => (shown.has(layer.name) ? { ...layer, labels: shown.get(layer.name)! } : layer)) };
  }

  private async shownLabels(file: string, folders: readonly string[], result: LabelledResult): Promise<KeptLabels["labels"]> {
    const state = await labelFilesState(folders);
    if (state === "") return new Map();
    const known = this.labels.get(file);
    if (known?.state === state && known.key === result.key) return known.labels;
    const labels = new Map(await this.reader.labels(folders, result));
    this.labels.delete(file);
    this.labels.set(file, { state, key: result.key, labels });
    if (this.labels.size > capacity) this.labels.delete(this.labels.keys().next().value!);
    return labels;
  }

  private async unlabelled(file: string): Promise<ResultOutline> {
    const facts = await stat(file).catch(() => null);
    const known = this.kept.get(file);
    if (facts && known && known.size === facts.size && known.modified === facts.mtimeMs) return known.outline;
    const outline = await this.reader.outline(file);
    if (facts) {
      this.kept.delete(file);
      this.kept.set(file, { size: facts.size, modified: facts.mtimeMs, outline });
      if (this.kept.size > capacity) this.kept.delete(this.kept.keys().next().value!);
    }
    return outline;
  }
}

/** Part of every name that a run writes under before the final rename. */
export function temporaryPrefix(run: string): string {
  return `.${run}-`;
}

/** Removes what a run that was stopped in the middle of writing left behind. */
export async function removeTemporaryFiles(storeFolder: string, run: string): Promise<void> {
  const names = await readdir(storeFolder).catch(() => []);
  await Promise.all(names.filter((name) => name.includes(temporaryPrefix(run))).map((name) => rm(join(storeFolder, name), { force: true })));
}
