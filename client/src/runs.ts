/** @file Runs that this window knows: every event is kept, so that a view opened later can be brought up to date. */

import { EventEmitter, type Disposable } from "vscode";
import type { RunEvent, RunPhase, RunStarted } from "../../server/src/protocol/events";
import type { LensServer } from "./languageClient";

type RunState = "active" | "done" | "failed" | "cancelled";

export interface Run {
  id: string;
  state: RunState;
  events: RunEvent[];
  started: RunStarted | null;
  phase: RunPhase | null;
  /** Path or URI of the result once the run is done. */
  file: string | null;
  /** The result came from the store. */
  cached: boolean;
  message: string | null;
}

/** Finished runs kept for views that still show them; the events of older ones are dropped. */
const keptFinished = 8;

export class Runs implements Disposable {
  private readonly byId = new Map<string, Run>();
  private readonly changed = new EventEmitter<{ run: Run; event: RunEvent }>();
  private readonly listener: Disposable;
  readonly onDidChange = this.changed.event;

  constructor(server: LensServer) {
    this.listener = server.onRun((event) => this.add(event));
  }

  get(id: string): Run | undefined {
    return this.byId.get(id);
  }

  get active(): Run[] {
    return [...this.byId.values()].filter((run) => run.state === "active");
  }

  /** Runs that began before this window listened. */
  async synchronize(server: LensServer): Promise<void> {
    for (const { run, events } of await server.request("lib/runs", {})) {
      if (!this.byId.has(run)) for (const event of events) this.add(event);
    }
  }

  /** A new server process knows none of the runs: what was active is over. */
  abandon(): void {
    for (const run of this.active) this.add({ kind: "failed", run: run.id, message: "The language server was restarted; finished layers are kept." });
  }

  dispose(): void {
    this.listener.dispose();
    this.changed.dispose();
  }

  private add(event: RunEvent): void {
    let run = this.byId.get(event.run);
    if (run === undefined) {
      run = { id: event.run, state: "active", events: [], started: null, phase: null, file: null, cached: false, message: null };
      this.byId.set(event.run, run);
    }
    // Of the many phase reports only the last one matters to a late view.
    const last = run.events.at(-1);
    if (event.kind === "phase" && last?.kind === "phase") run.events.pop();
    run.events.push(event);
    switch (event.kind) {
      case "started": run.started = event; break;
      case "phase": run.phase = event; break;
      case "done":
        run.state = "done";
        run.file = event.file;
        run.cached = event.cached;
        // The result holds them.
        run.events = run.events.filter(({ kind }) => kind !== "jacobian");
        break;
      case "failed": run.state = "failed"; run.message = event.message; break;
      case "cancelled": run.state = "cancelled"; break;
      default: break;
    }
    this.changed.fire({ run, event });
    if (run.state !== "active") this.forgetOld();
  }

  private forgetOld(): void {
    const finished = [...this.byId.values()].filter((run) => run.state !== "active");
    for (const run of finished.slice(0, -keptFinished)) this.byId.delete(run.id);
  }
}

/** One line such as "bases 42 %". */
export function runSummary(run: Run): string {
  if (run.phase === null) return "starting";
  return `${run.phase.phase} ${Math.round(run.phase.overall * 100)} %`;
}
