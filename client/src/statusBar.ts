/** @file The status bar item: the chosen backend at rest, phase and percentage while a run goes on. A click opens the menu. */

import { StatusBarAlignment, window, type Disposable } from "vscode";
import type { BackendStatus } from "../../server/src/protocol/requests";
import type { BackendName } from "../../server/src/protocol/result";
import { automaticBackend } from "./commands/backendChoices";
import { fileName } from "./format";
import { runSummary, type Runs } from "./runs";
import { settings } from "./settings";

export class StatusBar implements Disposable {
  private readonly item = window.createStatusBarItem("libLens.status", StatusBarAlignment.Left, 0);
  private readonly listener: Disposable;
  /** What "auto" takes on this machine, as far as it is known. */
  private automatic: BackendName | null = null;

  constructor(private readonly runs: Runs) {
    this.item.name = "LIB Lens";
    this.item.command = "libLens.statusMenu";
    this.listener = runs.onDidChange(({ run, event }) => {
      // A stored answer may have been computed on any backend.
      const computed = event.kind === "done" && !event.cached;
      if (computed && settings.backend === "auto") this.automatic = run.started?.backend.name ?? null;
      this.update();
    });
    this.update();
    this.item.show();
  }

  backendsTried(statuses: readonly BackendStatus[]): void {
    this.automatic = automaticBackend(statuses);
    this.update();
  }

  update(): void {
    const active = this.runs.active;
    const chosen = settings.backend === "auto" && this.automatic !== null ? `auto (${this.automatic})` : settings.backend;
    if (active.length === 0) {
      this.item.text = `$(type-hierarchy) LIB: ${chosen}`;
      this.item.tooltip = "LIB Lens: compute backend of the next analysis. Click for the menu.";
      this.item.accessibilityInformation = { label: `LIB Lens, backend ${chosen}` };
      return;
    }
    const backend = active[0]!.started?.backend.name ?? chosen;
    const summary = runSummary(active[0]!);
    const more = active.length > 1 ? ` +${active.length - 1}` : "";
    this.item.text = `$(sync~spin) LIB: ${backend} · ${summary}${more}`;
    this.item.tooltip = active.map((run) => `${fileName(run.started?.model ?? "model")}: ${run.phase?.detail || runSummary(run)}`).join("\n");
    this.item.accessibilityInformation = { label: `LIB Lens is analysing, ${summary}` };
  }

  dispose(): void {
    this.listener.dispose();
    this.item.dispose();
  }
}
