/** @file Runs under way and the last ones that ended: their events, their outcome, their threads. */

import { randomUUID } from "node:crypto";
import type { RunEvent } from "../protocol/events";
import { CancelledError, isBadInput, messageOf } from "./errors";
import { WorkerClient, type WorkerClientOptions } from "./worker/workerClient";

/** Why a run failed, for callers that must tell bad input from a failed run. */
export interface RunOutcome {
  run: string;
  end: "done" | "failed" | "cancelled";
  badInput: boolean;
}

/** A run as its own work sees it. */
export interface Run {
  readonly id: string;
  readonly client: WorkerClient;
  /** Set by a cancel that comes before the worker has anything to do. */
  cancelled: boolean;
  emit(event: RunEvent): void;
}

interface Entry {
  run: Run;
  events: RunEvent[];
  outcome: Promise<RunOutcome>;
}

/** Ended runs whose events are still answered by `list()`. */
const keptRuns = 20;

export class Runs {
  private readonly active = new Map<string, Entry>();
  private readonly ended: Entry[] = [];
  private readonly listeners = new Set<(event: RunEvent) => void>();
  /** Threads on their way out. */
  private readonly leaving = new Set<Promise<void>>();

  constructor(private readonly options: WorkerClientOptions) {}

  /** Starts work in a worker of its own and returns at once. @param cleanUp after a failure or a cancel, before either is announced */
  begin(work: (run: Run) => Promise<void>, cleanUp: (run: Run) => Promise<void> = () => Promise.resolve()): { run: string } {
    const events: RunEvent[] = [];
    const run: Run = { id: randomUUID(), client: new WorkerClient(this.options), cancelled: false, emit: (event) => this.emit(events, event) };
    this.active.set(run.id, { run, events, outcome: this.execute(run, work, cleanUp) });
    return { run: run.id };
  }

  /** Resolves when the run has ended. @throws RangeError for an unknown run. */
  outcome(run: string): Promise<RunOutcome> {
    const found = this.active.get(run) ?? this.ended.find((one) => one.run.id === run);
    if (!found) throw new RangeError(`There is no run "${run}".`);
    return found.outcome;
  }

  /** @returns whether there was something to cancel. The `cancelled` event has been sent when this resolves. */
  async cancel(run: string): Promise<boolean> {
    const found = this.active.get(run);
    if (!found) return false;
    // The end of the run counts, not the end of its thread, which may still sit in a native product.
    found.run.cancelled = true;
    void found.run.client.cancel();
    return (await found.outcome).end === "cancelled";
  }

  /** @returns a function that stops the listening. */
  onEvent(listener: (event: RunEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Runs under way and the last ones that ended. Of the phase events only the newest is kept. */
  list(): { run: string; events: RunEvent[] }[] {
    return [...this.ended, ...this.active.values()].map(({ run, events }) => ({ run: run.id, events: [...events] }));
  }

  /** Long work in a worker of its own, so that it can be cancelled; it is no run, and nobody else hears of it. */
  async alone<T>(signal: AbortSignal, work: (client: WorkerClient) => Promise<T>): Promise<T> {
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

  /** Cancels every run; resolves when all threads have ended. */
  async dispose(): Promise<void> {
    await Promise.all([...Array.from(this.active.values(), ({ run }) => run.client.dispose()), ...this.leaving]);
    this.listeners.clear();
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
      run.emit(end === "cancelled" ? { run: run.id, kind: "cancelled" } : { run: run.id, kind: "failed", message: messageOf(error) });
    }
    const entry = this.active.get(run.id);
    this.active.delete(run.id);
    // Matrices are for who watches; afterwards they are in the result.
    if (entry) this.ended.push({ ...entry, events: entry.events.filter(({ kind }) => kind !== "jacobian") });
    this.ended.splice(0, this.ended.length - keptRuns);
    this.letGo(run.client);
    return { run: run.id, end, badInput };
  }

  private emit(events: RunEvent[], event: RunEvent): void {
    if (event.kind === "phase" && events.at(-1)?.kind === "phase") events[events.length - 1] = event;
    else events.push(event);
    for (const listener of this.listeners) listener(event);
  }

  private letGo(client: WorkerClient): void {
    const left = client.dispose().finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }
}
