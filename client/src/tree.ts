/** @file The sidebar: runs in progress, results and the models that were found. */

import {
  commands, EventEmitter, ThemeIcon, TreeItem, TreeItemCollapsibleState, Uri, workspace, type Disposable, type TreeDataProvider,
} from "vscode";
import type { ModelReference } from "../../server/src/protocol/requests";
import type { ResultHeading } from "../../server/src/protocol/result";
import { viewCommands, type ViewTarget } from "../../server/src/protocol/views";
import { ago, fileName } from "./format";
import type { LensServer } from "./languageClient";
import { runSummary, type Run, type Runs } from "./runs";

type Group = "runs" | "results" | "models";
export type Node =
  | { kind: "group"; group: Group }
  | { kind: "run"; run: Run }
  | { kind: "result"; uri: string; metadata: ResultHeading }
  | { kind: "model"; reference: ModelReference };

const groupTitles: Record<Group, string> = { runs: "Running", results: "Results", models: "Models" };

export class LensTree implements TreeDataProvider<Node>, Disposable {
  private readonly changed = new EventEmitter<void>();
  private readonly subscriptions: Disposable[];
  private models: ModelReference[] = [];
  private results: { uri: string; metadata: ResultHeading }[] = [];
  private newest = 0;
  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly server: LensServer, private readonly runs: Runs) {
    this.subscriptions = [
      this.changed,
      runs.onDidChange(() => this.changed.fire()),
      server.onResultsChanged(() => void this.refresh()),
      server.onModelsChanged(() => void this.refresh()),
    ];
  }

  /** Asks the server again; the newest answer wins. */
  async refresh(): Promise<void> {
    const request = ++this.newest;
    const [models, results] = await Promise.all([this.server.request("lib/models", {}), this.server.request("lib/results", {})]);
    if (request !== this.newest) return;
    const seen = new Set<string>();
    this.models = models.filter((reference) => {
      const key = reference.model ?? reference.text;
      return !seen.has(key) && seen.add(key);
    });
    this.results = results.sort((a, b) => b.metadata.createdAt.localeCompare(a.metadata.createdAt));
    this.changed.fire();
    // Only now can it be said that there is nothing.
    void commands.executeCommand("setContext", "libLens.listed", true);
  }

  /** Says anew how old the results are. */
  showAges(): void {
    if (this.results.length > 0) this.changed.fire();
  }

  getChildren(node?: Node): Node[] {
    if (node === undefined) {
      const groups: Group[] = [];
      if (this.runs.active.length > 0) groups.push("runs");
      if (this.results.length > 0) groups.push("results");
      if (this.models.length > 0) groups.push("models");
      return groups.map((group) => ({ kind: "group", group }));
    }
    if (node.kind !== "group") return [];
    if (node.group === "runs") return this.runs.active.map((run) => ({ kind: "run", run }));
    if (node.group === "results") return this.results.map((result) => ({ kind: "result", ...result }));
    return this.models.map((reference) => ({ kind: "model", reference }));
  }

  getTreeItem(node: Node): TreeItem {
    switch (node.kind) {
      case "group": return groupItem(node.group);
      case "run": return runItem(node.run);
      case "result": return resultItem(node.uri, node.metadata);
      case "model": return modelItem(node.reference);
    }
  }

  dispose(): void {
    for (const item of this.subscriptions) item.dispose();
  }
}

function groupItem(group: Group): TreeItem {
  const item = new TreeItem(groupTitles[group], TreeItemCollapsibleState.Expanded);
  item.id = group;
  item.contextValue = `group.${group}`;
  return item;
}

function runItem(run: Run): TreeItem {
  const item = new TreeItem(fileName(run.started?.spec ?? run.started?.model ?? "analysis"));
  item.id = `run:${run.id}`;
  item.description = runSummary(run);
  item.tooltip = run.phase?.detail || runSummary(run);
  item.iconPath = new ThemeIcon("sync~spin");
  item.contextValue = "run.active";
  item.command = { command: "libLens.showRun", title: "Show Run", arguments: [run.id] };
  return item;
}

function resultItem(uri: string, metadata: ResultHeading): TreeItem {
  const item = new TreeItem(fileName(metadata.model.path));
  const target: ViewTarget = { uri };
  item.id = `result:${uri}`;
  item.description = `${metadata.complete ? "" : "partial · "}${ago(metadata.createdAt)}`;
  item.tooltip = [
    metadata.model.path,
    ...metadata.layers.map((layer) => `${layer.name}: ${layer.kept > 0 ? `${layer.kept} of ${layer.dimension} features` : `${layer.dimension} wide`}`),
    `${metadata.samples.toLocaleString()} samples, ${metadata.seconds.toFixed(1)} s on ${metadata.backend.name}`,
    `key ${metadata.key.slice(0, 12)}`,
  ].join("\n");
  item.iconPath = new ThemeIcon("type-hierarchy");
  item.contextValue = "result";
  item.command = { command: viewCommands.graph, title: "Open Interaction Graph", arguments: [target] };
  return item;
}

function modelItem(reference: ModelReference): TreeItem {
  const item = new TreeItem(fileName(reference.model ?? reference.text));
  item.id = `model:${reference.model ?? reference.text}`;
  item.description = reference.model === null ? "not found" : workspace.asRelativePath(Uri.parse(reference.model), false);
  item.tooltip = reference.source === null ? reference.text : `${reference.text}\nnamed in ${fileName(reference.source.uri)}, line ${reference.source.line + 1}`;
  item.iconPath = new ThemeIcon(reference.model === null ? "question" : "symbol-array");
  item.contextValue = reference.model === null ? "model.missing" : reference.spec !== null ? "model.spec" : "model.found";
  const at = reference.source;
  if (at !== null) {
    const position = { line: at.line, character: at.character };
    item.command = { command: "vscode.open", title: "Open", arguments: [Uri.parse(at.uri), { selection: { start: position, end: position } }] };
  }
  return item;
}
