/**
 * @file Keeps the snapshot of the workspace current. Documents are scanned one by one in a thread when they change;
 * everything derived from them is renewed after a short pause. The event loop only passes messages.
 */

import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { BindAnswer } from "./binding/bindWorkspace";
import type { ModelTensors } from "./binding/binding";
import type { DocumentFacts } from "./facts";
import { isModelPath, sourceKind } from "./fileKinds";
import { resolveReference } from "./files/resolveReference";
import { insideWorkspace, isListed, listWorkspaceFiles } from "./files/workspaceFiles";
import type { ModelCache } from "./modelCache";
import type { ScanInput } from "./scanDocument";
import { type LinkedReference, type ModelState, WorkspaceSnapshot } from "./snapshot";
import { TaskQueue } from "./taskQueue";
import type { ThreadClient } from "./threads/threadClient";
import { pathOf, uriOf } from "./uris";

export interface IndexOptions {
  /** Workspace folders; `setFolders` begins the scan of them. */
  folders: readonly string[];
  thread: ThreadClient;
  models: ModelCache;
  log: (message: string) => void;
}

const pauseMilliseconds = 120;
const maxFileBytes = 2_000_000;
const maxBoundModels = 64;

export class WorkspaceIndex {
  readonly #options: IndexOptions;
  readonly #facts = new Map<string, DocumentFacts[]>();
  /** Open documents: what the editor shows, not what is on disk. */
  readonly #open = new Map<string, ScanInput>();
  readonly #listeners = new Set<(snapshot: WorkspaceSnapshot) => void>();
  #folders: string[] = [];
  #modelFiles: string[] = [];
  #snapshot = WorkspaceSnapshot.empty;
  readonly #scans = new TaskQueue();
  /** Links of documents whose facts did not change, until files come or go. */
  #links = new WeakMap<DocumentFacts, LinkedReference[]>();
  #timer: NodeJS.Timeout | null = null;
  #renewal: Promise<void> = Promise.resolve();
  /** Changes are numbered; the snapshot includes all up to `#reached`. */
  #wanted = 0;
  #reached = 0;
  readonly #underWay = new Set<number>();
  /** Since when the snapshot lacks something. */
  #behindSince = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#folders = [...options.folders];
  }

  get snapshot(): WorkspaceSnapshot { return this.#snapshot; }
  get folders(): readonly string[] { return this.#folders; }

  /** @returns a function that stops the listening. */
  onSnapshot(listener: (snapshot: WorkspaceSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lists and scans the folders anew; open documents keep their text. */
  async setFolders(folders: readonly string[]): Promise<void> {
    this.#folders = [...folders];
    const change = this.#begin();
    const files = await listWorkspaceFiles(this.#folders);
    if (files.stopped) this.#options.log(`Not all of the workspace is scanned: ${files.stopped}.`);
    this.#setModelFiles(files.models);
    await Promise.all(files.sources.map((path) => this.#scanFile(path)));
    this.#finish(change);
  }

  /** An open document changed. Without workspace folders, its own folder is the workspace. */
  update(input: ScanInput): void {
    const change = this.#begin();
    this.#open.set(input.uri, input);
    const path = pathOf(input.uri);
    if (this.#folders.length === 0 && path) void this.setFolders([dirname(path)]);
    void this.#scan(input).then(() => this.#finish(change));
  }

  /** A document was closed: what is on disk counts again. */
  close(uri: string): void {
    if (!this.#open.delete(uri)) return;
    this.fileChanged(uri);
  }

  /** A file was made, changed or deleted on disk. */
  fileChanged(uri: string): void {
    const path = pathOf(uri);
    if (!path || this.#open.has(uri)) return;
    const change = this.#begin();
    this.#links = new WeakMap();
    const work = sourceKind(path) === null ? this.#updateModelFile(path) : this.#scanFile(path);
    void work.then(() => this.#finish(change));
  }

  /**
   * Resolves when the snapshot includes every change so far, or when it has been behind for so long. Only for answers that
   * would be empty without it, such as the first hover after opening; later ones do not wait for a long scan again.
   */
  async settled(milliseconds: number): Promise<void> {
    const wanted = this.#wanted;
    const deadline = this.#behindSince + milliseconds;
    while (this.#reached < wanted && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, deadline - Date.now());
        this.#waiting.add(done);
      });
    }
  }

  /** The thread lost its facts: everything is scanned again. */
  rescan(): void {
    const change = this.#begin();
    const closed = [...this.#facts.keys()].filter((uri) => !this.#open.has(uri)).flatMap((uri) => pathOf(uri) ?? []);
    const work = [...[...this.#open.values()].map((input) => this.#scan(input)), ...closed.map((path) => this.#scanFile(path))];
    void Promise.all(work).then(() => this.#finish(change));
  }

  dispose(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#scans.clear();
    this.#listeners.clear();
    for (const done of [...this.#waiting]) done();
  }

  /** One file came or went: the list is not read again, because a training run may save every second. */
  async #updateModelFile(path: string): Promise<void> {
    if (!isModelPath(path)) return;
    const others = this.#modelFiles.filter((file) => file !== path);
    const counts = isListed(path, this.#folders) && await insideWorkspace(path, this.#folders) !== null;
    this.#setModelFiles(counts ? [...others, path] : others);
  }

  #setModelFiles(files: string[]): void {
    this.#modelFiles = files;
    this.#links = new WeakMap();
  }

  #scanFile(path: string): Promise<void> {
    const uri = uriOf(path);
    return this.#scans.add(false, () => this.#logged(uri, async () => {
      const kind = sourceKind(path);
      if (kind === null || this.#open.has(uri)) return;
      const text = await readText(path);
      if (text === null) {
        this.#facts.delete(uri);
        await this.#options.thread.call("forget", { uris: [uri] });
      } else {
        this.#facts.set(uri, await this.#options.thread.call("scan", { uri, kind, text }));
      }
    }));
  }

  #scan(input: ScanInput): Promise<void> {
    return this.#scans.add(true, () => this.#logged(input.uri, async () => {
      // Newest text wins: an older one that waited is not scanned any more.
      if (this.#open.get(input.uri) !== input) return;
      this.#facts.set(input.uri, await this.#options.thread.call("scan", input));
    }));
  }

  async #logged(uri: string, work: () => Promise<void>): Promise<void> {
    await work().catch((error: Error) => this.#options.log(`${uri} was not scanned: ${error.message}`));
  }

  #begin(): number {
    if (this.#reached === this.#wanted) this.#behindSince = Date.now();
    this.#underWay.add(++this.#wanted);
    return this.#wanted;
  }

  /** A change is in the facts; the snapshot follows when none came for a moment. */
  #finish(change: number): void {
    this.#underWay.delete(change);
    if (this.#timer) clearTimeout(this.#timer);
    // The first snapshot comes at once; later ones wait for a pause in typing.
    const pause = this.#reached === 0 ? 0 : pauseMilliseconds;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#renewal = this.#renewal.then(() => this.#renew()).catch((error: Error) => {
        this.#options.log(`The workspace could not be bound: ${error.message}`);
        this.#arrive(this.#included());
      });
    }, pause);
  }

  /** Number of the last change before the oldest one that is still under way. */
  #included(): number {
    return this.#underWay.size === 0 ? this.#wanted : Math.min(...this.#underWay) - 1;
  }

  async #renew(): Promise<void> {
    const included = this.#included();
    const documents = new Map([...this.#facts.values()].flat().map((facts) => [facts.uri, facts]));
    const references = new Map<string, LinkedReference[]>();
    for (const facts of documents.values()) references.set(facts.uri, await this.#link(facts));
    const { models, tensors } = await this.#readModels(references);
    const bound: BindAnswer = await this.#options.thread.call("bind", { models: tensors, shown: new Set(this.#openFacts().map((facts) => facts.uri)) });
    this.#snapshot = new WorkspaceSnapshot({ documents, references, modelFiles: this.#modelFiles, models, ...bound });
    this.#arrive(included);
    for (const listener of this.#listeners) listener(this.#snapshot);
    void this.#prepareRanks();
  }

  #arrive(change: number): void {
    this.#reached = Math.max(this.#reached, change);
    for (const done of [...this.#waiting]) done();
  }

  async #link(facts: DocumentFacts): Promise<LinkedReference[]> {
    const known = this.#links.get(facts);
    const path = pathOf(documentOfCell(facts.uri));
    if (known || !path) return known ?? [];
    const links = await Promise.all(facts.references.map(async (reference) => ({
      reference,
      fromSpec: facts.spec !== null,
      ...await resolveReference(reference, path, this.#folders, this.#modelFiles),
    })));
    this.#links.set(facts, links);
    return links;
  }

  async #readModels(references: ReadonlyMap<string, readonly LinkedReference[]>): Promise<{ models: Map<string, ModelState>; tensors: ModelTensors[] }> {
    const referencedBy = new Map<string, Set<string>>();
    for (const [uri, list] of references) {
      for (const { reference, files } of list) {
        if (reference.what !== "model") continue;
        for (const file of files) referencedBy.set(file, (referencedBy.get(file) ?? new Set()).add(uri));
      }
    }
    const models = new Map<string, ModelState>();
    const tensors: ModelTensors[] = [];
    for (const [path, uris] of [...referencedBy].slice(0, maxBoundModels)) {
      const state = await this.#options.models.state(path);
      models.set(path, state);
      if ("facts" in state) tensors.push({ path, tensors: state.facts.tensors, referencedBy: uris });
    }
    if (referencedBy.size > maxBoundModels) this.#options.log(`${referencedBy.size} models are referred to; the first ${maxBoundModels} are bound to code.`);
    return { models, tensors };
  }

  #openFacts(): DocumentFacts[] {
    return [...this.#open.keys()].flatMap((uri) => this.#facts.get(uri) ?? []);
  }

  /** Ranks of the weights that open documents define: the hovers that are likely to come. */
  async #prepareRanks(): Promise<void> {
    const snapshot = this.#snapshot;
    for (const facts of this.#openFacts()) {
      for (const { binding, matches } of snapshot.boundLayers(facts.uri)) {
        if (snapshot !== this.#snapshot) return;
        await this.#options.models.prepareRanks(binding.model, matches.map((match) => match.tensor.name));
      }
    }
  }
}

/** A cell of a notebook has the path of the notebook in its URI. */
function documentOfCell(uri: string): string {
  return uri.replace(/^vscode-notebook-cell:/, "file:").replace(/#.*$/, "");
}

async function readText(path: string): Promise<string | null> {
  try {
    if ((await stat(path)).size > maxFileBytes) return null;
    return await readFile(path, "utf8");
  } catch {
    return null;
  }
}
