/** @file Runs an analysis to its end for a command, with progress and Ctrl-C. */

import { resolve } from "node:path";
import type { AnalysisService } from "../analysis/analysisService";
import { CancelledError, InputError } from "../analysis/errors";
import type { RunDone, RunEvent } from "../protocol/events";
import { ProgressLine } from "./terminal";

/** A spec is JSON; anything else is taken for a model, of which everything is inferred. */
export function sourceOf(file: string): { spec: string } | { model: string } {
  const path = resolve(file);
  return path.toLowerCase().endsWith(".json") ? { spec: path } : { model: path };
}

/**
 * @returns the `done` event.
 * @throws InputError, CancelledError, or Error with the reason of the failure.
 */
export async function analyzeToEnd(service: AnalysisService, file: string, force: boolean): Promise<RunDone> {
  const progress = new ProgressLine();
  let done: RunDone | null = null;
  let failure = "";
  let run = "";
  const stop = service.onEvent((event) => {
    if (event.run !== run) return;
    progress.show(event);
    if (event.kind === "done") done = event;
    if (event.kind === "failed") failure = event.message;
  });
  const interrupted = onInterrupt(() => void service.cancel(run));
  try {
    run = service.start({ ...sourceOf(file), force }).run;
    const outcome = await service.outcome(run);
    if (outcome.end === "cancelled") throw new CancelledError();
    if (outcome.end === "failed" || !done) throw outcome.badInput ? new InputError(failure) : new Error(failure);
    return done;
  } finally {
    interrupted.stop();
    progress.clear();
    stop();
  }
}

/** Long work that takes an AbortSignal, with progress and Ctrl-C. */
export async function workToEnd<T>(work: (onEvent: (event: RunEvent) => void, signal: AbortSignal) => Promise<T>): Promise<T> {
  const progress = new ProgressLine();
  const controller = new AbortController();
  const interrupted = onInterrupt(() => controller.abort());
  try {
    return await work((event) => progress.show(event), controller.signal);
  } finally {
    interrupted.stop();
    progress.clear();
  }
}

/** The first Ctrl-C (or SIGTERM) asks politely; a second one ends the process at once. */
function onInterrupt(cancel: () => void): { stop(): void } {
  let asked = false;
  const listener = (): void => {
    if (asked) process.exit(130);
    asked = true;
    cancel();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    stop: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}
