/** @file Runs as LSP work-done progress, for clients without a view of their own. Cancelling it cancels the run. */

import type { Connection, WorkDoneProgressServerReporter } from "vscode-languageserver";
import type { RunEvent } from "../protocol/events";

interface Shown {
  reporter: Promise<WorkDoneProgressServerReporter>;
  ended: boolean;
}

export class RunProgress {
  readonly #connection: Connection;
  readonly #cancel: (run: string) => void;
  readonly #shown = new Map<string, Shown>();

  constructor(connection: Connection, cancel: (run: string) => void) {
    this.#connection = connection;
    this.#cancel = cancel;
  }

  show(event: RunEvent): void {
    switch (event.kind) {
      case "started": this.#begin(event.run, event.task === "ablation" ? "LIB ablation" : "LIB analysis", event.model); break;
      case "phase": this.#report(event.run, event.overall, `${event.phase} ${event.detail}`.trim()); break;
      case "done": case "failed": case "cancelled": this.#end(event.run); break;
      default: break;
    }
  }

  #begin(run: string, title: string, model: string): void {
    if (this.#shown.has(run)) return;
    const reporter = this.#connection.window.createWorkDoneProgress().then((created) => {
      created.begin(title, 0, model, true);
      created.token.onCancellationRequested(() => this.#cancel(run));
      return created;
    });
    this.#shown.set(run, { reporter, ended: false });
  }

  #report(run: string, fraction: number, message: string): void {
    const shown = this.#shown.get(run);
    void shown?.reporter.then((reporter) => {
      if (!shown.ended) reporter.report(Math.round(100 * fraction), message);
    });
  }

  /** Whatever comes after the end is not reported. */
  #end(run: string): void {
    const shown = this.#shown.get(run);
    this.#shown.delete(run);
    void shown?.reporter.then((reporter) => {
      shown.ended = true;
      reporter.done();
    });
  }
}
