/**
 * @file One analysis from the spec to the stored result. Runs in the worker thread; speaks only through events.
 * Every finished layer and section is streamed at once and, in long runs, also kept on disk, so that a run that was
 * cancelled or crashed continues where it stopped.
 */

import { mkdir } from "node:fs/promises";
import { basename } from "node:path";
import { analyzeLib } from "../../core/lib/analyze";
import type { LayerResult } from "../../core/lib/layerBasis";
import type { LibSignals } from "../../core/lib/options";
import type { RunEvent } from "../../protocol/events";
import { loadSpec, type LoadedSpec } from "../spec/loadSpec";
import { FileHashes } from "../store/fileHashes";
import { resultPath, storedEvents, storedResult } from "../store/lookUp";
import { writeResult } from "../store/resultFile";
import { resultKey } from "../store/resultKey";
import { Unfinished, type FinishedEdges } from "../store/unfinished";
import type { AnalyzeRequest } from "../worker/messages";
import { evaluate } from "./evaluation";
import { addJacobians } from "./jacobianTensors";
import { prepare, type Prepared } from "./prepare";
import { Progress } from "./progress";
import { resultMetadata } from "./resultMetadata";
import { edgeTensor, layerTensors, type ResultTensors } from "./resultTensors";
import { summarizeLayer, summarizeSection } from "./summaries";

export interface RunContext {
  emit(event: RunEvent): void;
  /** @throws CancelledError when the host asked for a stop. */
  checkCancelled(): void;
  /** Seconds of work after which finished pieces are written to disk; short runs are simply repeated. */
  keepAfterSeconds: number;
}

/** @throws SpecError, InputError, FormatError, NetworkError for bad input; CancelledError; Error for a failed run. */
export async function runAnalysis(request: AnalyzeRequest, context: RunContext): Promise<void> {
  const { run, storeFolder } = request;
  const progress = new Progress(run, (event) => context.emit(event));
  progress.report("read", 0, "spec");
  const loaded = await loadSpec(request.source);
  const hashes = new FileHashes(storeFolder);
  const hashFile = (path: string): Promise<string> => hashes.of(path, () => context.checkCancelled());
  const { key, modelSha256 } = await resultKey(loaded, hashFile);
  if (!request.force) {
    const stored = await storedResult(storeFolder, key);
    if (stored) {
      for (const event of storedEvents(run, stored.file, stored.metadata, loaded.file, progress.seconds())) context.emit(event);
      return;
    }
  }
  progress.report("read", 0.2, basename(loaded.model));
  const prepared = await prepare(loaded, request.compute, hashFile, () => context.checkCancelled());
  emitStart(run, key, loaded, prepared, context);
  progress.report("read", 1, prepared.memory);

  const unfinished = new Unfinished(storeFolder, key);
  if (request.force) await unfinished.remove();
  const { tensors, layers, sections } = await computeBases(run, prepared, unfinished, progress, context);
  await addJacobians(tensors, prepared, layers, signalsOf(progress, context));
  const evaluated = await evaluate(prepared, layers, { checkCancelled: () => context.checkCancelled(), progress: (fraction) => progress.report("evaluate", fraction) });
  for (const message of evaluated.notes) context.emit({ run, kind: "note", message });

  progress.report("write", 0);
  context.checkCancelled();
  await mkdir(storeFolder, { recursive: true });
  const file = resultPath(storeFolder, key);
  const seconds = progress.seconds();
  const metadata = resultMetadata({ key, modelSha256, loaded, prepared, layers, sections, evaluated, seconds, phases: progress.phases() });
  await writeResult(file, run, tensors.list(), metadata, () => context.checkCancelled());
  await unfinished.remove();
  context.emit({ run, kind: "done", key, file, seconds: progress.seconds(), phases: progress.phases(), cached: false });
}

function signalsOf(progress: Progress, context: RunContext): LibSignals {
  return {
    checkCancelled: () => context.checkCancelled(),
    progress: (phase, fraction, detail) => progress.report(phase, fraction, detail),
  };
}

function emitStart(run: string, key: string, loaded: LoadedSpec, prepared: Prepared, context: RunContext): void {
  const { engine, network } = prepared;
  context.emit({
    run, kind: "started", key, model: loaded.model, spec: loaded.file, samples: prepared.batches.samples,
    backend: { name: engine.backend, description: engine.description },
    nodeLayers: network.nodeLayers.map(({ name, width }) => ({ name, dimension: width })),
  });
  for (const message of prepared.notes) context.emit({ run, kind: "note", message });
}

/** Bases and edges, streamed as they come; what an earlier run finished is streamed first. */
async function computeBases(run: string, prepared: Prepared, unfinished: Unfinished, progress: Progress, context: RunContext): Promise<{
  tensors: ResultTensors; layers: LayerResult[]; sections: ReturnType<typeof summarizeSection>[];
}> {
  const { network, options } = prepared;
  const tensors = layerTensors();
  const layers: LayerResult[] = [];
  const sections: ReturnType<typeof summarizeSection>[] = [];
  const acceptLayer = (layer: LayerResult): void => {
    layers[layer.index] = layer;
    tensors.addLayer(layer);
    context.emit({ run, kind: "layer", layer: summarizeLayer(layer) });
  };
  const acceptEdges = ({ basis, section, edges }: FinishedEdges): void => {
    tensors.add(edgeTensor(basis, section, edges));
    if (basis !== options.edgeBases[0]) return;
    const { from, to } = network.sections[section]!;
    sections[section] = summarizeSection(section, from, to, edges, options.center);
    context.emit({ run, kind: "section", section: sections[section]! });
  };

  const finished = await unfinished.load();
  if (finished.layers.length > 0) context.emit({ run, kind: "note", message: `Continued from an earlier run that had finished ${finished.layers.length} of ${network.nodeLayers.length} node layers.` });
  finished.layers.forEach(acceptLayer);
  finished.edges.forEach(acceptEdges);
  let saved = progress.seconds();
  const isWorthKeeping = (): boolean => progress.seconds() - saved >= context.keepAfterSeconds;
  const pending: (() => Promise<void>)[] = [];
  for await (const event of analyzeLib(network, prepared.batches, options, signalsOf(progress, context), finished)) {
    if (event.kind === "layer") {
      acceptLayer(event.layer);
      pending.push(() => unfinished.saveLayer(event.layer));
    } else {
      acceptEdges(event);
      pending.push(() => unfinished.saveEdges(event));
    }
    // Bases build on one another, so what was finished before is kept together with what is new.
    if (isWorthKeeping()) {
      for (const save of pending.splice(0)) await save();
      saved = progress.seconds();
    }
  }
  return { tensors, layers, sections };
}
