/**
 * @file The analysis as the language server and the command line see it: start, watch, cancel, and read results.
 * Reading models and data, hashing, computing and ablating all happen in worker threads; this side only passes messages,
 * so the event loop of the host stays free. All paths are absolute file system paths.
 */

import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { AblationCurve, AblationTarget, ModuleBasis, ModuleNumbers } from "../protocol/ablation";
import type { RunEvent } from "../protocol/events";
import type { LabelKind, LabelsAnswer } from "../protocol/labels";
import type { BackendStatus, EdgesMessage } from "../protocol/requests";
import type { BackendName, BasisName, ResultMetadata, ResultOutline } from "../protocol/result";
import { CancelledError, InputError, isBadInput, messageOf } from "./errors";
import { addCurves, readCurves } from "./store/ablationFile";
import { removeTemporaryFiles, ResultStore, type StoredResult } from "./store/resultStore";
import { lookUpWithoutHashing } from "./store/lookUp";
import { QuestionWorker } from "./worker/questionWorker";
import { WorkerClient } from "./worker/workerClient";
import type {
  AblateEdgesAnswer, AblateFeaturesAnswer, AblateNodesAnswer, AblationOptions, ComputeOptions, CreateSpecAnswer, MatrixAnswer, SparsityAnswer, SpecSource,
} from "./worker/messages";

export interface AnalysisServiceOptions {
  /** The built worker entry (`dist/worker.js`). */
  workerFile: string;
  /** The built probe entry (`dist/probe.js`), for the choice of a backend. */
  probeFile?: string;
  /** Result store for a spec or model in `folder`; `<folder>/.lib-lens` when absent. */
  storeFolder?: (folder: string) => string;
  /** The user's choice at the moment a run starts; "auto" when absent. */
  backend?: () => BackendName | "auto";
  /** Overrides the spec's `maxMemory`, such as "4GB". */
  maxMemory?: () => string | null;
  /** Where probe results are kept between sessions; in the user's cache folder when absent. */
  backendCacheFile?: string;
  /**
   * Where stored results are looked up and read. "host" (when absent) answers without starting a worker, but checking a spec and reading the
   * edges of a result keep the event loop for a tenth of a second: a host that must never be busy says "worker".
   */
  lookUp?: "host" | "worker";
  /** Heap limit of a worker in MiB. */
  heapMegabytes?: number;
}

/** Give `spec` (a spec file) or `model` (then everything is inferred). `force` computes even when a result is stored. */
export interface StartOptions {
  spec?: string;
  model?: string;
  force?: boolean;
}

/** Every node layer ("nodes") or section ("edges") of a stored result, in these bases one after the other. */
export interface StartAblation { file: string; what: AblationTarget; bases: readonly BasisName[] }

/** Why a run failed, for callers that must tell bad input from a failed run. */
export interface RunOutcome {
  run: string;
  end: "done" | "failed" | "cancelled";
  badInput: boolean;
}

interface Run {
  id: string;
  client: WorkerClient;
  events: RunEvent[];
  outcome: Promise<RunOutcome>;
  /** Set by a cancel that comes before the worker has anything to do. */
  cancelled: boolean;
}

/** Ended runs whose events are still answered by `runs()`. */
const keptRuns = 20;

export class AnalysisService {
  private readonly store: ResultStore;
  private readonly active = new Map<string, Run>();
  private readonly ended: Run[] = [];
  private readonly listeners = new Set<(event: RunEvent) => void>();
  /** Answers small questions (matrices, ablations of a selection) and keeps its network between them. */
  private readonly questions: QuestionWorker;
  /** Reads results; never waits for an ablation. */
  private readonly reader: QuestionWorker;
  /** Threads on their way out. */
  private readonly leaving = new Set<Promise<void>>();

  constructor(private readonly options: AnalysisServiceOptions) {
    this.questions = new QuestionWorker(options);
    this.reader = new QuestionWorker(options);
    this.store = options.lookUp === "worker"
      ? new ResultStore((file) => this.reader.ask((client) => client.call({ kind: "outline", file })))
      : new ResultStore();
  }

  /** Starts a run and returns at once; everything else arrives through `onEvent`. */
  start(options: StartOptions): { run: string } {
    return this.begin((run) => this.analyzeOrLookUp(run, options), (run) => this.cleanUp(options, run.id));
  }

  /** The same for an ablation: finished curves arrive as events and are stored beside the result. */
  startAblation(options: StartAblation): { run: string } {
    return this.begin((run) => this.ablateCurves(run, options), () => Promise.resolve());
  }

  /** Resolves when the run has ended. @throws RangeError for an unknown run. */
  outcome(run: string): Promise<RunOutcome> {
    const found = this.active.get(run) ?? this.ended.find((one) => one.id === run);
    if (!found) throw new RangeError(`There is no run "${run}".`);
    return found.outcome;
  }

  /** @returns whether there was something to cancel. The `cancelled` event has been sent when this resolves. */
  async cancel(run: string): Promise<boolean> {
    const found = this.active.get(run);
    if (!found) return false;
    // The end of the run counts, not the end of its thread, which may still sit in a native product.
    found.cancelled = true;
    void found.client.cancel();
    return (await found.outcome).end === "cancelled";
  }

  /** @returns a function that stops the listening. */
  onEvent(listener: (event: RunEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Runs under way and the last ones that ended. Of the phase events only the newest is kept. */
  runs(): { run: string; events: RunEvent[] }[] {
    return [...this.ended, ...this.active.values()].map((run) => ({ run: run.id, events: [...run.events] }));
  }

  /** Every readable result in the stores of these folders, newest first. Damaged files are left out. */
  results(folders: readonly string[]): Promise<StoredResult[]> {
    return this.store.list(folders.map((folder) => this.storeFolder(folder)));
  }

  /** @throws FormatError or InputError when the file is not a result or is damaged. */
  outline(file: string): Promise<ResultOutline> {
    return this.store.outline(file);
  }

  /** The listed edges of a section; null when the result has no such section. @throws as `outline` */
  edges(file: string, section: number): Promise<EdgesMessage | null> {
    return this.reader.ask((client) => client.call({ kind: "edges", file, section }));
  }

  /** Everything, read in this thread: for hosts that have nothing else to do. @throws FormatError when the file is not a result or is damaged. */
  metadata(file: string): Promise<ResultMetadata> {
    return this.store.metadata(file);
  }

  /** A tensor of a result as float32 (a vector is one row); null when the result has no such tensor. */
  matrix(file: string, tensor: string): Promise<MatrixAnswer | null> {
    return this.questions.ask((client) => client.call({ kind: "matrix", file, tensor }));
  }

  /** Score without some features of one node layer, beside the score of the untouched network. */
  ablate(file: string, basis: BasisName, layer: number, remove: readonly number[]): Promise<AblateFeaturesAnswer> {
    return this.questions.ask((client) => client.call({ kind: "ablate-features", file, basis, layer, remove: [...remove], compute: this.compute() }));
  }

  /** Stored ablation curves of a result. @throws FormatError for a damaged file. */
  async curves(file: string): Promise<AblationCurve[]> {
    return readCurves(file, (await this.store.outline(file)).key);
  }

  /** Modules of the interaction graph of a result. @param resolution larger gives more and smaller ones. */
  modules(file: string, resolution: number, basis: ModuleBasis = "lib"): Promise<ModuleNumbers> {
    return this.questions.ask((client) => client.call({ kind: "modules", file, resolution, basis }));
  }

  /** Curves of score against features kept. Progress arrives at `onEvent` of this call; `signal` cancels. */
  ablateNodes(file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<AblateNodesAnswer> {
    return this.keepingCurves(file, options, onEvent, (watch) =>
      this.alone(signal, (client) => client.call({ ...options, kind: "ablate-nodes", run: randomUUID(), file, compute: this.compute() }, watch)));
  }

  /** Edges required per section. Progress arrives at `onEvent` of this call; `signal` cancels. */
  ablateEdges(file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<AblateEdgesAnswer> {
    return this.keepingCurves(file, options, onEvent, (watch) =>
      this.alone(signal, (client) => client.call({ ...options, kind: "ablate-edges", run: randomUUID(), file, compute: this.compute() }, watch)));
  }

  /** Sparsity of the edges; with `required` also the edges required, which takes labels. Progress and cancel as above. */
  sparsity(
    file: string, bases: readonly BasisName[], required: Omit<AblationOptions, "basis"> | null, onEvent: (event: RunEvent) => void, signal: AbortSignal,
  ): Promise<SparsityAnswer> {
    return this.alone(signal, (client) => client.call({ kind: "sparsity", run: randomUUID(), file, bases: [...bases], required, compute: this.compute() }, onEvent));
  }

  /** What the features respond to in the data. Nothing is written. Progress and cancel as above. */
  labels(file: string, labels: LabelKind | "auto", basis: BasisName, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<LabelsAnswer> {
    return this.alone(signal, (client) => client.call({ kind: "labels", run: randomUUID(), file, labels, basis, compute: this.compute() }, onEvent));
  }

  /** Every place where a result's network can be cut, in order; each is named after the module it enters. */
  nodeLayerNames(file: string): Promise<string[]> {
    return this.questions.ask((client) => client.call({ kind: "node-layer-names", file, compute: this.compute() }));
  }

  /** Text of a filled-in spec for a model, and the file beside the model where it belongs. Nothing is written. */
  createSpec(model: string): Promise<CreateSpecAnswer> {
    return this.questions.ask((client) => client.call({ kind: "create-spec", model }));
  }

  /** Every backend with whether and why it is (not) available. Probes run in child processes. */
  async backends(): Promise<BackendStatus[]> {
    const { backendStatus } = await import("./backends");
    return backendStatus(this.compute());
  }

  /** Cancels every run; resolves when all threads have ended. */
  async dispose(): Promise<void> {
    const runs = [...this.active.values()];
    await Promise.all([...runs.map((run) => run.client.dispose()), ...this.leaving, this.questions.dispose(), this.reader.dispose()]);
    this.listeners.clear();
  }

  private begin(work: (run: Run) => Promise<void>, cleanUp: (run: Run) => Promise<void>): { run: string } {
    const id = randomUUID();
    const run: Run = { id, client: new WorkerClient(this.options), events: [], outcome: Promise.resolve(null as never), cancelled: false };
    this.active.set(id, run);
    run.outcome = this.execute(run, work, cleanUp);
    return { run: id };
  }

  private async execute(run: Run, work: (run: Run) => Promise<void>, cleanUp: (run: Run) => Promise<void>): Promise<RunOutcome> {
    // The caller gets the id before the first event.
    await Promise.resolve();
    let end: RunOutcome["end"] = "done";
    let badInput = false;
    try {
      await work(run);
    } catch (error) {
      end = error instanceof CancelledError ? "cancelled" : "failed";
      badInput = isBadInput(error);
      await cleanUp(run);
      this.emit(run, end === "cancelled" ? { run: run.id, kind: "cancelled" } : { run: run.id, kind: "failed", message: messageOf(error) });
    }
    this.active.delete(run.id);
    this.ended.push(run);
    this.ended.splice(0, this.ended.length - keptRuns);
    this.letGo(run.client);
    return { run: run.id, end, badInput };
  }

  private analyzeOrLookUp(run: Run, options: StartOptions): Promise<void> {
    const source = sourceOf(options);
    const storeFolder = this.storeFolder(dirname((source.spec ?? source.model)!));
    return this.analyze(run, source, storeFolder, options.force === true);
  }

  private async ablateCurves(run: Run, { file, what, bases }: StartAblation): Promise<void> {
    const started = performance.now();
    const { key, model, backend, layers, evaluation } = await this.store.outline(file);
    if (run.cancelled) throw new CancelledError();
    const nodeLayers = layers.map(({ name, dimension }) => ({ name, dimension }));
    this.emit(run, { run: run.id, kind: "started", task: "ablation", key, model: model.path, spec: null, backend, nodeLayers, samples: evaluation?.samples ?? 0 });
    for (const [place, basis] of bases.entries()) {
      // Each basis is an equal part of the whole, whatever it takes.
      const forward = (event: RunEvent): void => this.emit(run, event.kind === "phase" ? { ...event, overall: (place + event.overall) / bases.length } : event);
      await this.keepingCurves(file, { basis }, forward, (watch) =>
        run.client.call({ kind: `ablate-${what}`, run: run.id, file, basis, compute: this.compute() }, watch));
    }
    this.emit(run, { run: run.id, kind: "done", key, file, seconds: (performance.now() - started) / 1000, phases: {}, cached: false });
  }

  /** Stores finished curves beside the result, also of an ablation that is cancelled later. Those of a schedule of the user's own are not comparable. */
  private async keepingCurves<T>(
    file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, work: (watch: (event: RunEvent) => void) => Promise<T>,
  ): Promise<T> {
    if (Object.keys(options.schedule ?? {}).length > 0 || options.metric !== undefined || options.tolerance !== undefined) return work(onEvent);
    const { key } = await this.store.outline(file);
    let stored = Promise.resolve();
    try {
      return await work((event) => {
        onEvent(event);
        if (event.kind === "curve") stored = stored.then(() => addCurves(file, key, [event.curve]));
      });
    } finally {
      await stored;
    }
  }

  private async analyze(run: Run, source: SpecSource, storeFolder: string, force: boolean): Promise<void> {
    if (!force && this.options.lookUp !== "worker") {
      const stored = await lookUpWithoutHashing(source, storeFolder, run.id);
      if (stored) {
        for (const event of stored) this.emit(run, event);
        return;
      }
    }
    if (run.cancelled) throw new CancelledError();
    await run.client.call(
      { kind: "analyze", run: run.id, source, storeFolder, force, compute: this.compute() },
      (event) => this.emit(run, event),
    );
  }

  /** What a thread that was stopped in the middle of writing left behind. */
  private async cleanUp(options: StartOptions, run: string): Promise<void> {
    const file = options.spec ?? options.model;
    if (file) await removeTemporaryFiles(this.storeFolder(dirname(file)), run);
  }

  private emit(run: Run, event: RunEvent): void {
    const previous = run.events.at(-1);
    if (event.kind === "phase" && previous?.kind === "phase") run.events[run.events.length - 1] = event;
    else run.events.push(event);
    for (const listener of this.listeners) listener(event);
  }

  /** Long work in a worker of its own, so that it can be cancelled. */
  private async alone<T>(signal: AbortSignal, work: (client: WorkerClient) => Promise<T>): Promise<T> {
    const client = new WorkerClient(this.options);
    const cancel = (): void => void client.cancel();
    signal.addEventListener("abort", cancel);
    try {
      if (signal.aborted) throw new CancelledError();
      return await work(client);
    } finally {
      signal.removeEventListener("abort", cancel);
      this.letGo(client);
    }
  }

  private letGo(client: WorkerClient): void {
    const left = client.dispose().finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }

  private storeFolder(folder: string): string {
    return this.options.storeFolder?.(folder) ?? join(folder, ".lib-lens");
  }

  private compute(): ComputeOptions {
    return {
      backend: this.options.backend?.() ?? "auto",
      probeFile: this.options.probeFile ?? null,
      backendCacheFile: this.options.backendCacheFile ?? userCacheFile(),
      maxMemory: this.options.maxMemory?.() ?? null,
    };
  }
}

/** Shared by the editor and the command line: the machine is probed once. */
function userCacheFile(): string {
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "lib-lens", "backends.json");
}

function sourceOf(options: StartOptions): SpecSource {
  if (!options.spec && !options.model) throw new InputError("Nothing to analyse: give a spec file or a model file.");
  return { spec: options.spec ?? null, model: options.spec ? null : options.model! };
}
