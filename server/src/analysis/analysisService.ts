/**
 * @file The analysis as the language server and the command line see it: start, watch, cancel, and read results.
 * Reading models and data, hashing, computing and ablating all happen in worker threads; this side only passes messages,
 * so the event loop of the host stays free. All paths are absolute file system paths.
 */

import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { AblationCurve, AblationTarget, ModuleBasis, ModuleNumbers } from "../protocol/ablation";
import type { RunEvent, RunStarted } from "../protocol/events";
import type { FoundLabels, LabelKind, LabelsAnswer } from "../protocol/labels";
import type { BackendStatus, EdgesMessage, MatrixMessage } from "../protocol/requests";
import type { BackendName, BasisName, ResultMetadata, ResultOutline } from "../protocol/result";
import { Ablations } from "./ablations";
import { ablationStarted } from "./ablationStarted";
import { CancelledError, InputError } from "./errors";
import { Runs, type Run, type RunOutcome } from "./runs";
import { removeTemporaryFiles, ResultStore, type StoredResult } from "./store/resultStore";
import { lookUpWithoutHashing } from "./store/lookUp";
import { QuestionWorker } from "./worker/questionWorker";
import type { WorkerClient } from "./worker/workerClient";
import type {
  AblateEdgesAnswer, AblateFeaturesAnswer, AblateNodesAnswer, AblationOptions, ComputeOptions, CreateSpecAnswer, SparsityAnswer, SpecSource,
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

export class AnalysisService {
  private readonly store: ResultStore;
  private readonly started: Runs;
  private readonly ablations = new Ablations(async (file) => (await this.store.outline(file)).key);
  /** Answers small questions (matrices, ablations of a selection) and keeps its network between them. */
  private readonly questions: QuestionWorker;
  /** Reads results; never waits for an ablation. */
  private readonly reader: QuestionWorker;

  constructor(private readonly options: AnalysisServiceOptions) {
    this.started = new Runs(options);
    this.questions = new QuestionWorker(options);
    this.reader = new QuestionWorker(options);
    this.store = options.lookUp === "worker"
      ? new ResultStore({
        outline: (file) => this.reader.ask((client) => client.call({ kind: "outline", file })),
        labels: (folders, result) => this.reader.ask((client) => client.call({ kind: "shown-labels", folders: [...folders], result })),
      })
      : new ResultStore();
  }

  /** Starts a run and returns at once; everything else arrives through `onEvent`. */
  start(options: StartOptions): { run: string } {
    return this.started.begin((run) => this.analyze(run, options), (run) => this.cleanUp(options, run.id));
  }

  /** The same for an ablation: finished curves arrive as events and are stored beside the result. */
  startAblation(options: StartAblation): { run: string } {
    return this.started.begin((run) => this.ablateCurves(run, options));
  }

  /** Resolves when the run has ended. @throws RangeError for an unknown run. */
  outcome(run: string): Promise<RunOutcome> {
    return this.started.outcome(run);
  }

  /** @returns whether there was something to cancel. The `cancelled` event has been sent when this resolves. */
  cancel(run: string): Promise<boolean> {
    return this.started.cancel(run);
  }

  /** @returns a function that stops the listening. */
  onEvent(listener: (event: RunEvent) => void): () => void {
    return this.started.onEvent(listener);
  }

  /** Runs under way and the last ones that ended. Of the phase events only the newest is kept. */
  runs(): { run: string; events: RunEvent[] }[] {
    return this.started.list();
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

  /** A tensor of a result, or rows of it from `firstRow` on; null when the result has no such tensor. @throws as `outline` */
  matrix(file: string, tensor: string, firstRow: number | null = null): Promise<MatrixMessage | null> {
    return this.questions.ask((client) => client.call({ kind: "matrix", file, tensor, firstRow }));
  }

  /** Score without some features of one node layer, beside the score of the untouched network. */
  ablate(file: string, basis: BasisName, layer: number, remove: readonly number[]): Promise<AblateFeaturesAnswer> {
    return this.questions.ask((client) => client.call({ kind: "ablate-features", file, basis, layer, remove: [...remove], compute: this.compute() }));
  }

  /** Stored ablation curves of a result. @throws FormatError for a damaged file. */
  curves(file: string): Promise<AblationCurve[]> {
    return this.ablations.curves(file);
  }

  /** Modules of the interaction graph of a result. @param resolution larger gives more and smaller ones. */
  modules(file: string, resolution: number, basis: ModuleBasis = "lib"): Promise<ModuleNumbers> {
    return this.questions.ask((client) => client.call({ kind: "modules", file, resolution, basis }));
  }

  /**
   * Curves of score against features kept, from the store when they are there and `force` does not ask to compute them. Progress arrives at
   * `onEvent` of this call; `signal` cancels.
   */
  async ablateNodes(file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, signal: AbortSignal, force = false): Promise<AblateNodesAnswer> {
    return (await this.ablations.answer("nodes", file, options, onEvent, (watch) => this.started.alone(signal, (client) =>
      client.call({ ...options, kind: "ablate-nodes", run: randomUUID(), file, compute: this.compute() }, watch)), force)).answer;
  }

  /** Edges required per section. As above. */
  async ablateEdges(file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, signal: AbortSignal, force = false): Promise<AblateEdgesAnswer> {
    return this.started.alone(signal, (client) => this.edgesRequired(client, file, options, onEvent, force));
  }

  /** Sparsity of the edges; with `required` also the edges required, as above, which takes labels. */
  sparsity(
    file: string, bases: readonly BasisName[], required: Omit<AblationOptions, "basis"> | null, onEvent: (event: RunEvent) => void, signal: AbortSignal, force = false,
  ): Promise<SparsityAnswer> {
    // One thread for all of it: it keeps the network and the edges that were ablated.
    return this.started.alone(signal, async (client) => {
      const ablated = required ? bases : [];
      const part = (place: number, before: string) => (event: RunEvent): void => {
        const share = (fraction: number): number => (place + fraction) / (ablated.length + 1);
        onEvent(event.kind === "phase" ? { ...event, fraction: share(event.fraction), overall: share(event.overall), detail: before + event.detail } : event);
      };
      const answers: Partial<Record<BasisName, AblateEdgesAnswer>> = {};
      for (const [place, basis] of ablated.entries()) answers[basis] = await this.edgesRequired(client, file, { ...required, basis }, part(place, `${basis} `), force);
      const request = { run: randomUUID(), file, bases: [...bases], required: required && answers, compute: this.compute() };
      return client.call({ kind: "sparsity", ...request }, part(ablated.length, ""));
    });
  }

  /** What the features respond to in the data. Nothing is written: see `keepLabels`. Progress and cancel as above. */
  labels(file: string, labels: LabelKind | "auto", basis: BasisName, onEvent: (event: RunEvent) => void, signal: AbortSignal): Promise<LabelsAnswer> {
    return this.started.alone(signal, (client) => client.call({ kind: "labels", run: randomUUID(), file, labels, basis, compute: this.compute() }, onEvent));
  }

  /**
   * Keeps labels beside a result, and those of LIB features in the text file beside its spec, what people wrote there untouched.
   * @returns the text file; null for labels of another basis
   */
  keepLabels(file: string, found: FoundLabels): Promise<string | null> {
    return this.reader.ask((client) => client.call({ kind: "keep-labels", file, found }));
  }

  /** What was kept beside a result, basis by basis. @throws FormatError for a damaged file. */
  foundLabels(file: string): Promise<FoundLabels[]> {
    return this.reader.ask((client) => client.call({ kind: "found-labels", file }));
  }

  /** Every place where a result's network can be cut, in order; each is named after the module it enters. */
  nodeLayerNames(file: string): Promise<string[]> {
    return this.questions.ask((client) => client.call({ kind: "node-layer-names", file, compute: this.compute() }));
  }

  /** Text of a filled-in spec for a model, and the file beside the model where it belongs. Nothing is written. */
  createSpec(model: string): Promise<CreateSpecAnswer> {
    return this.questions.ask((client) => client.call({ kind: "create-spec", model }));
  }

  /** Every backend with whether and why it is (not) available. Probes run in child processes; `refresh` asks them again. */
  async backends(refresh = false): Promise<BackendStatus[]> {
    const { backendStatus } = await import("./backends");
    return backendStatus(this.compute(), refresh);
  }

  /** Cancels every run; resolves when all threads have ended. */
  async dispose(): Promise<void> {
    await Promise.all([this.started.dispose(), this.questions.dispose(), this.reader.dispose()]);
  }

  private async edgesRequired(client: WorkerClient, file: string, options: AblationOptions, onEvent: (event: RunEvent) => void, force: boolean): Promise<AblateEdgesAnswer> {
    const { answer } = await this.ablations.answer("edges", file, options, onEvent, (watch) =>
      client.call({ ...options, kind: "ablate-edges", run: randomUUID(), file, compute: this.compute() }, watch), force);
    return answer;
  }

  private async ablateCurves(run: Run, { file, what, bases }: StartAblation): Promise<void> {
    const began = performance.now();
    const outline = await this.store.outline(file);
    if (run.cancelled) throw new CancelledError();
    const { key } = outline;
    let working: BackendName | null = null;
    const announce = (started: RunStarted): void => {
      if (started.backend.name === working) return;
      working = started.backend.name;
      run.emit(started);
    };
    // Where the store answers, nothing computes: then it is the backend of the result.
    const announceStored = (): void => {
      if (working === null) announce(ablationStarted(run.id, outline, outline.backend));
    };
    let cached = true;
    for (const [place, basis] of bases.entries()) {
      // Each basis is an equal part of the whole, whatever it takes.
      const forward = (event: RunEvent): void => {
        if (event.kind === "started") return announce(event);
        announceStored();
        run.emit(event.kind === "phase" ? { ...event, overall: (place + event.overall) / bases.length } : { ...event, run: run.id });
      };
      const request = { run: run.id, file, basis, compute: this.compute() };
      const { stored } = what === "nodes"
        ? await this.ablations.answer("nodes", file, { basis }, forward, (watch) => run.client.call({ kind: "ablate-nodes", ...request }, watch))
        : await this.ablations.answer("edges", file, { basis }, forward, (watch) => run.client.call({ kind: "ablate-edges", ...request }, watch));
      cached &&= stored;
    }
    announceStored();
    run.emit({ run: run.id, kind: "done", key, file, seconds: (performance.now() - began) / 1000, phases: {}, cached });
  }

  private async analyze(run: Run, options: StartOptions): Promise<void> {
    const source = sourceOf(options);
    const storeFolder = this.storeFolder(dirname((source.spec ?? source.model)!));
    const force = options.force === true;
    if (!force && this.options.lookUp !== "worker") {
      const stored = await lookUpWithoutHashing(source, storeFolder, run.id);
      if (stored) {
        for (const event of stored) run.emit(event);
        return;
      }
    }
    if (run.cancelled) throw new CancelledError();
    await run.client.call({ kind: "analyze", run: run.id, source, storeFolder, force, compute: this.compute() }, (event) => run.emit(event));
  }

  /** What a thread that was stopped in the middle of writing left behind. */
  private async cleanUp(options: StartOptions, run: string): Promise<void> {
    const file = options.spec ?? options.model;
    if (file) await removeTemporaryFiles(this.storeFolder(dirname(file)), run);
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
