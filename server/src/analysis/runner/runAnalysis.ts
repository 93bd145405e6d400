/**
 * @file One analysis from the spec to the stored result. Runs in the worker thread; speaks only through events.
 * Every finished layer and section is streamed at once and, in long runs, also kept on disk, so that a run that was
 * cancelled or crashed continues where it stopped. A backend that dies is replaced by the next, from the last finished layer on.
 */

import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { activationSource, analyzeActivations } from "../../core/lib/analyze";
import type { LibSignals } from "../../core/lib/options";
import type { ActivationSource } from "../../core/lib/statistics/activationSource";
import { requireWritableFolder } from "../../formats/bytes/atomicFile";
import type { HashFile } from "../../formats/readDataSet";
import type { RunEvent } from "../../protocol/events";
import { loadSpec, type LoadedSpec } from "../spec/loadSpec";
import { FileHashes } from "../store/fileHashes";
import { resultPath, storedEvents, storedResult } from "../store/lookUp";
import { writeResult } from "../store/resultFile";
import { resultKey } from "../store/resultKey";
import { Unfinished } from "../store/unfinished";
import type { AnalyzeRequest, ComputeOptions } from "../worker/messages";
import { evaluate, scoreOfAnalysed } from "./evaluation";
import { onLivingBackend, type StartEngine } from "./fallback";
import { Findings } from "./findings";
import { addJacobians } from "./jacobianTensors";
import { prepareOn, readInputs, type Prepared } from "./prepare";
import { Progress } from "./progress";
import { resultMetadata } from "./resultMetadata";
import { Scratch } from "./scratch";

/** About what the host takes to pass on one section. */
const hostMilliseconds = 5;

export interface RunContext {
  emit(event: RunEvent): void;
  /** @throws CancelledError when the host asked for a stop. */
  checkCancelled(): void;
  /** Seconds of work after which finished pieces are written to disk; short runs are simply repeated. */
  keepAfterSeconds: number;
  /** Begins to load what the backend asked for will need, while the files are read. */
  loadAhead?(compute: ComputeOptions): void;
  /** Starts engines; the real ones unless a test brings its own. */
  startEngine?: StartEngine;
}

/** @throws SpecError, InputError, FormatError, NetworkError for bad input; CancelledError; Error for a failed run. */
export async function runAnalysis(request: AnalyzeRequest, context: RunContext): Promise<void> {
  const { run, storeFolder } = request;
  const checkCancelled = (): void => context.checkCancelled();
  const progress = new Progress(run, (event) => context.emit(event));
  progress.report("read", 0, "spec");
  const loaded = await loadSpec(request.source);
  const hashes = new FileHashes(storeFolder);
  const hashFile: HashFile = (path) => hashes.of(path, checkCancelled);
  const { key, modelSha256 } = await resultKey(loaded, hashFile);
  if (!request.force) {
    const stored = await storedResult(storeFolder, key);
    if (stored) {
      for (const event of storedEvents(run, stored.file, stored.metadata, loaded.file, progress.seconds())) {
        context.emit(event);
        // A list of edges takes the host a while: it reads each in a turn of its own.
        if (event.kind === "section") await setTimeout(hostMilliseconds);
      }
      return;
    }
  }
  await requireWritableFolder(storeFolder);
  const scratch = new Scratch(storeFolder, run, checkCancelled);
  try {
    await computeAndStore({ request, context, progress, loaded, hashFile, key, modelSha256, scratch });
  } finally {
    scratch.close();
  }
}

interface Computation {
  request: AnalyzeRequest;
  context: RunContext;
  progress: Progress;
  loaded: LoadedSpec;
  hashFile: HashFile;
  key: string;
  modelSha256: string;
  scratch: Scratch;
}

async function computeAndStore({ request, context, progress, loaded, hashFile, key, modelSha256, scratch }: Computation): Promise<void> {
  const { run, storeFolder } = request;
  const checkCancelled = (): void => context.checkCancelled();
  progress.report("read", 0.2, basename(loaded.model));
  context.loadAhead?.(request.compute);
  const inputs = await readInputs(loaded, request.compute, hashFile, checkCancelled);
  const unfinished = new Unfinished(storeFolder, key);
  if (request.force) await unfinished.remove();

  const findings = new Findings(run, (event) => context.emit(event));
  const notes = [...inputs.notes];
  const note = (message: string): void => {
    notes.push(message);
    context.emit({ run, kind: "note", message });
  };
  let isStarted = false;
  const { value, backends } = await onLivingBackend(request.compute, inputs.resolved.precision, {
    startEngine: context.startEngine,
    replaced: (message, next) => {
      note(message);
      progress.report("read", 1, `going on with ${next.name}`, true);
    },
  }, async (engine) => {
    const prepared = await prepareOn(engine, inputs, scratch);
    // Once more for every backend that takes over: who shows the run names the one that works on it.
    emitStart(run, key, prepared, context);
    if (!isStarted) {
      for (const message of [...prepared.notes, prepared.memory]) context.emit({ run, kind: "note", message });
      progress.report("read", 1);
      await continueFrom(unfinished, findings, prepared, run, context);
      isStarted = true;
    }
    const base = await computeBases(findings, prepared, unfinished, progress, context);
    await addJacobians(findings.tensors, prepared, findings.layers, signalsOf(progress, context), (section, basis, mean) => {
      context.emit({ run, kind: "jacobian", section, basis, mean });
    });
    const evaluated = await evaluate(prepared, findings.layers, { checkCancelled, progress: (fraction) => progress.report("evaluate", fraction) }, base);
    return { prepared, evaluated };
  });
  value.evaluated.notes.forEach(note);

  progress.report("write", 0);
  checkCancelled();
  const file = resultPath(storeFolder, key);
  const seconds = progress.seconds();
  const { layers, sections, tensors } = findings;
  const metadata = resultMetadata({ key, modelSha256, ...value, backends, layers, sections, notes, seconds, phases: progress.phases() });
  await writeResult(file, run, tensors.list(), metadata, checkCancelled);
  await unfinished.remove();
  context.emit({ run, kind: "done", key, file, seconds: progress.seconds(), phases: progress.phases(), cached: false });
}

function signalsOf(progress: Progress, context: RunContext): LibSignals {
  return {
    checkCancelled: () => context.checkCancelled(),
    progress: (phase, fraction, detail) => progress.report(phase, fraction, detail),
  };
}

function emitStart(run: string, key: string, { loaded, engine, network, batches }: Prepared, context: RunContext): void {
  context.emit({
    run, kind: "started", key, model: loaded.model, spec: loaded.file, samples: batches.samples,
    backend: { name: engine.backend, description: engine.description },
    nodeLayers: network.nodeLayers.map(({ name, width }) => ({ name, dimension: width })),
  });
}

/** What an earlier run finished is streamed first. */
async function continueFrom(unfinished: Unfinished, findings: Findings, prepared: Prepared, run: string, context: RunContext): Promise<void> {
  const finished = await unfinished.load(prepared.options.shelf);
  if (finished.layers.length > 0) context.emit({ run, kind: "note", message: `Continued from an earlier run that had finished ${finished.layers.length} of ${prepared.network.nodeLayers.length} node layers.` });
  finished.layers.forEach((layer) => findings.addLayer(layer));
  finished.edges.forEach((edges) => findings.addEdges(edges, prepared));
}

/** Bases and edges that are not found yet. @returns the score, where it is that of the same activations */
async function computeBases(findings: Findings, prepared: Prepared, unfinished: Unfinished, progress: Progress, context: RunContext): Promise<number | null> {
  const source = activationSource(prepared.network, prepared.batches, prepared.options, signalsOf(progress, context));
  try {
    await streamBases(source, findings, prepared, unfinished, progress, context);
    return await scoreOfAnalysed(prepared, source);
  } finally {
    source.dispose();
  }
}

/** Every layer and section as it is found; in long runs they are also kept on disk. */
async function streamBases(
  source: ActivationSource, findings: Findings, prepared: Prepared, unfinished: Unfinished, progress: Progress, context: RunContext,
): Promise<void> {
  let saved = progress.seconds();
  // What waits to be written would stay in memory.
  const isWorthKeeping = (): boolean => prepared.spills || progress.seconds() - saved >= context.keepAfterSeconds;
  const pending: (() => Promise<void>)[] = [];
  for await (const event of analyzeActivations(prepared.network, source, prepared.options, signalsOf(progress, context), findings)) {
    if (event.kind === "layer") {
      findings.addLayer(event.layer);
      pending.push(() => unfinished.saveLayer(event.layer));
    } else {
      findings.addEdges(event, prepared);
      pending.push(() => unfinished.saveEdges(event));
    }
    // Bases build on one another, so what was finished before is kept together with what is new.
    if (isWorthKeeping()) {
      for (const save of pending.splice(0)) await save();
      saved = progress.seconds();
    }
  }
}
