/** @file Entry of the worker thread: answers one request at a time. Loads what a request needs, when it needs it. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { BackendFailure } from "./engine/backendFailure";
import { offerHelperThread } from "./engine/kernels/helperThread";
import { loadEarly } from "./engine/tensorflow/loadEarly";
import { CancelledError, isBadInput, messageOf } from "./analysis/errors";
import type { AblationSession } from "./analysis/runner/ablationSession";
import type { ResultReader } from "./analysis/store/resultReader";
import type { ComputeOptions, WorkerMessage, WorkerRequest, WorkerStart } from "./analysis/worker/messages";
import type { RunEvent } from "./protocol/events";
import type { BackendName } from "./protocol/result";

/** Seconds of work after which a run keeps what it has finished. */
const keepAfterSeconds = 5;

const port = parentPort;
if (!port) throw new Error("worker.js is the analysis thread of LIB Lens; start lib-lens instead.");

// Built beside this file; where it is missing, large eigenproblems are solved on this thread alone.
offerHelperThread({ file: join(__dirname, "kernelThread.js") });

const flag = new Int32Array((workerData as WorkerStart).cancelFlag);

function checkCancelled(): void {
  if (Atomics.load(flag, 0) === 1) throw new CancelledError();
}

function send(message: WorkerMessage): void {
  port!.postMessage(message);
}

const context = { emit: (event: RunEvent): void => send({ kind: "event", event }), checkCancelled };

function loadAhead({ backend }: ComputeOptions): void {
  if (backend === "tensorflow") loadEarly(join(__dirname, "libraryThread.js"));
}

/** The last result that was ablated stays loaded: its user tries one selection after another. */
let session: { file: string; modified: number; opened: AblationSession } | null = null;

async function sessionFor(file: string, compute: ComputeOptions): Promise<AblationSession> {
  const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: 0 }));
  if (session?.file === file && session.modified === mtimeMs) return session.opened;
  session = null;
  const { AblationSession } = await import("./analysis/runner/ablationSession");
  const opened = await AblationSession.open(file, compute, checkCancelled);
  session = { file, modified: mtimeMs, opened };
  return opened;
}

/** A backend that dies is not asked again by this thread: the next one that works takes over. */
const failed: BackendName[] = [];

async function onLivingSession<T>(file: string, compute: ComputeOptions, work: (session: AblationSession) => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work(await sessionFor(file, { ...compute, failed }));
    } catch (error) {
      if (!(error instanceof BackendFailure) || failed.includes(error.backend)) throw error;
      failed.push(error.backend);
      session = null;
    }
  }
}

let reader: ResultReader | null = null;

async function resultReader(): Promise<ResultReader> {
  const { ResultReader } = await import("./analysis/store/resultReader");
  return reader ??= new ResultReader();
}

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case "analyze": {
      const { runAnalysis } = await import("./analysis/runner/runAnalysis");
      await runAnalysis(request, { ...context, keepAfterSeconds, loadAhead });
      return null;
    }
    case "outline": return (await resultReader()).outline(request.file);
    case "edges": return (await resultReader()).edges(request.file, request.section);
    case "matrix": return (await resultReader()).matrix(request.file, request.tensor, request.firstRow);
    case "shown-labels": return (await resultReader()).labels(request.folders, request.result);
    case "modules": {
      const { moduleNumbers } = await import("./analysis/moduleNumbers");
      return moduleNumbers(request.file, request.resolution, request.basis);
    }
    case "create-spec": {
      const { createSpec } = await import("./analysis/spec/createSpec");
      return createSpec(request.model);
    }
    case "ablate-features": {
      const signals = { checkCancelled, progress: () => undefined };
      return onLivingSession(request.file, request.compute, async (opened) => ({
        metric: opened.data.metric,
        base: await opened.baseScore(opened.data.metric, signals),
        score: await opened.scoreWithout(request.layer, request.basis, request.remove, signals),
      }));
    }
    case "ablate-nodes": {
      const { nodeCurves } = await import("./analysis/runner/ablationCurves");
      return onLivingSession(request.file, request.compute, (opened) => nodeCurves(opened, request, context));
    }
    case "labels": {
      const { featureLabels } = await import("./analysis/runner/featureLabels");
      return featureLabels(await sessionFor(request.file, request.compute), request, context);
    }
    case "keep-labels": {
      const { keepFound } = await import("./analysis/store/keepLabels");
      return keepFound(request.file, await (await resultReader()).outline(request.file), request.found);
    }
    case "found-labels": {
      const { readFound } = await import("./analysis/store/foundLabels");
      return readFound(request.file, (await (await resultReader()).outline(request.file)).key);
    }
    case "node-layer-names": {
      return (await sessionFor(request.file, request.compute)).network.network.nodeLayerNames;
    }
    case "sparsity": {
      const { resultSparsity } = await import("./analysis/runner/sparsity");
      return onLivingSession(request.file, request.compute, (opened) => resultSparsity(opened, request, context));
    }
    case "ablate-edges": {
      const { edgeCurves } = await import("./analysis/runner/ablationCurves");
      return onLivingSession(request.file, request.compute, (opened) => edgeCurves(opened, request, context));
    }
  }
}

port.on("message", (request: WorkerRequest) => {
  answer(request).then(
    (value) => send({ kind: "result", answer: value }),
    (error: unknown) => send({ kind: "error", message: messageOf(error), badInput: isBadInput(error), cancelled: error instanceof CancelledError }),
  );
});
