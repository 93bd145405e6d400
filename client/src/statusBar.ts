/** @file The status bar item: backend at rest, phase and percentage while a run goes on. A click opens the menu. */

import { StatusBarAlignment, window, type Disposable } from "vscode";
import { fileName } from "./format";
import { runSummary, type Runs } from "./runs";
import { settings } from "./settings";

export class StatusBar implements Disposable {
  private readonly item = window.createStatusBarItem("libLens.status", StatusBarAlignment.Left, 0);
  private readonly listener: Disposable;
  private backend: string | null = null;

  constructor(private readonly runs: Runs) {
    this.item.name = "LIB Lens";
    this.item.command = "libLens.statusMenu";
    this.listener = runs.onDidChange(({ event }) => {
      if (event.kind === "started") this.backend = event.backend.name;
      this.update();
    });
    this.update();
    this.item.show();
  }

  update(): void {
    const active = this.runs.active;
    const backend = active[0]?.started?.backend.name ?? this.backend ?? settings.backend;
    if (active.length === 0) {
      this.item.text = `$(type-hierarchy) LIB: ${backend}`;
      this.item.tooltip = "LIB Lens: compute backend. Click for the menu.";
      this.item.accessibilityInformation = { label: `LIB Lens, backend ${backend}` };
      return;
    }
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
