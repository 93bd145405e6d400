/** @file The menu behind the status bar item. */

import { commands, QuickPickItemKind, window, type QuickPickItem } from "vscode";
import { fileName } from "../format";
import { runSummary, type Runs } from "../runs";

type MenuItem = QuickPickItem & { command?: string; argument?: unknown };

export async function statusMenu(runs: Runs): Promise<void> {
  const items: MenuItem[] = [
    ...runs.active.flatMap((run): MenuItem[] => {
      const name = fileName(run.started?.model ?? "analysis");
      return [
        { label: `$(graph-line) Show ${name}`, description: runSummary(run), command: "showRun", argument: run.id },
        { label: `$(stop-circle) Cancel ${name}`, command: "cancel", argument: { run } },
      ];
    }),
    ...(runs.active.length > 0 ? [{ label: "", kind: QuickPickItemKind.Separator }] : []),
    { label: "$(play) Analyze Model…", command: "analyzeModel" },
    { label: "$(type-hierarchy) Open Interaction Graph", command: "openGraph" },
    { label: "$(symbol-color) Open Jacobian Heatmap", command: "openJacobian" },
    { label: "$(graph) Open Plots", command: "openPlots" },
    { label: "$(discard) Ablate…", command: "ablate" },
    { label: "$(tag) Find What Features Respond To…", command: "findLabels" },
    { label: "$(new-file) Create Analysis Spec", command: "createSpec" },
    { label: "$(server-environment) Select Compute Backend", command: "selectBackend" },
    { label: "$(output) Show Log", command: "showLog" },
  ];
  const choice = await window.showQuickPick(items, { title: "LIB Lens" });
  if (choice?.command !== undefined) await commands.executeCommand(`libLens.${choice.command}`, ...(choice.argument === undefined ? [] : [choice.argument]));
}
