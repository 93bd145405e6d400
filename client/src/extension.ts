/** @file Activation: starts the language server and puts commands, tree, status bar and views around it. */

import { commands, window, workspace, type ExtensionContext } from "vscode";
import { ablateCommand } from "./commands/ablate";
import { analyzeCommand } from "./commands/analyze";
import { cancelCommand } from "./commands/cancel";
import { createSpecCommand } from "./commands/createSpec";
import { findLabelsCommand } from "./commands/findLabels";
import { openView } from "./commands/openView";
import { selectBackend } from "./commands/selectBackend";
import { statusMenu } from "./commands/statusMenu";
import { messageOf } from "./format";
import { LensClient } from "./languageClient";
import { LivePanels, liveViewType } from "./livePanel";
import { reportEnd } from "./progress";
import { ResultEditor, resultViewType } from "./resultEditor";
import { Runs } from "./runs";
import { StatusBar } from "./statusBar";
import { LensTree } from "./tree";
import { ViewRegistry } from "./viewRegistry";
import { WhileVisible } from "./whileVisible";

/** How often the sidebar says anew how old results are. */
const agesMilliseconds = 60_000;

export async function activate(context: ExtensionContext): Promise<void> {
  const server = new LensClient(context);
  const runs = new Runs(server);
  const services = { server, runs, extensionUri: context.extensionUri };
  const views = new ViewRegistry();
  const panels = new LivePanels(services, views);
  const tree = new LensTree(server, runs);
  const explorer = window.createTreeView("libLens.explorer", { treeDataProvider: tree });
  const statusBar = new StatusBar(runs);
  const analysis = { server, runs, panels };

  /** Every command says what went wrong in one sentence instead of failing silently. */
  const command = (id: string, body: (...args: unknown[]) => unknown): void => {
    context.subscriptions.push(commands.registerCommand(`libLens.${id}`, async (...args: unknown[]) => {
      try {
        await body(...args);
      } catch (error) {
        const choice = await window.showErrorMessage(messageOf(error), "Show Log");
        if (choice !== undefined) server.showLog();
      }
    }));
  };
  command("analyzeModel", (target) => analyzeCommand(analysis, target));
  command("openGraph", (target) => openView({ server, views }, "graph", target));
  command("openJacobian", (target) => openView({ server, views }, "jacobians", target));
  command("openPlots", (target) => openView({ server, views }, "plots", target));
  command("ablate", (target) => ablateCommand({ server, runs, views }, target));
  command("findLabels", (target) => findLabelsCommand({ server, views }, target));
  command("cancel", (target) => cancelCommand(server, runs, target));
  command("selectBackend", () => selectBackend(server, (statuses) => { statusBar.backendsTried(statuses); }));
  command("createSpec", (target) => createSpecCommand(server, target));
  command("showLog", () => server.showLog());
  command("refresh", () => tree.refresh());
  command("showRun", (run) => { if (typeof run === "string") panels.open(run, false); });
  command("statusMenu", () => statusMenu(runs));

  context.subscriptions.push(
    server, runs, tree, statusBar, views.watch(server),
    explorer, new WhileVisible(explorer, agesMilliseconds, () => { tree.showAges(); }),
    window.registerCustomEditorProvider(resultViewType, new ResultEditor(services, views), { supportsMultipleEditorsPerDocument: true }),
    window.registerWebviewPanelSerializer(liveViewType, panels),
    runs.onDidChange(({ run, event }) => {
      void commands.executeCommand("setContext", "libLens.running", runs.active.length > 0);
      if (event.kind === "failed" || event.kind === "done") reportEnd(server, run);
    }),
    workspace.onDidChangeConfiguration((change) => { if (change.affectsConfiguration("libLens.backend")) statusBar.update(); }),
    server.onRestarted(() => { runs.abandon(); void tree.refresh(); }),
  );

  await server.start();
  await runs.synchronize(server);
  await tree.refresh();
}
