/** @file One progress notification per run, with cancel; it ends with the run. */

import { ProgressLocation, window } from "vscode";
import type { LensServer } from "./languageClient";
import { fileName } from "./format";
import type { Run, Runs } from "./runs";

/** Shows the progress of `id` until the run ends. */
export function showProgress(server: LensServer, runs: Runs, id: string, title: string): void {
  void window.withProgress({ location: ProgressLocation.Notification, title, cancellable: true }, (progress, token) =>
    new Promise<void>((resolve) => {
      let shown = 0;
      const report = (run: Run): boolean => {
        if (run.state !== "active") return true;
        if (run.phase !== null) {
          const percent = run.phase.overall * 100;
          progress.report({ increment: Math.max(0, percent - shown), message: run.phase.detail || run.phase.phase });
          shown = Math.max(shown, percent);
        }
        return false;
      };
      const known = runs.get(id);
      if (known !== undefined && report(known)) { resolve(); return; }
      const listener = runs.onDidChange(({ run }) => {
        if (run.id !== id || !report(run)) return;
        listener.dispose();
        resolve();
      });
      token.onCancellationRequested(() => void server.request("lib/cancel", { run: id }));
    }));
}

/** Tells how a run ended where the user would otherwise miss it. */
export function reportEnd(server: LensServer, run: Run): void {
  if (run.state === "failed") {
    void window.showErrorMessage(run.message ?? "The analysis failed.", "Show Log").then((choice) => {
      if (choice !== undefined) server.showLog();
    });
  } else if (run.state === "done" && run.file !== null) {
    const done = run.started?.task === "ablation" ? "ablated" : run.cached ? `was analysed before, on ${run.started?.backend.name ?? "another backend"}` : "analysed";
    window.setStatusBarMessage(`$(check) LIB: ${fileName(run.started?.model ?? run.file)} ${done}`, 5000);
  }
}
