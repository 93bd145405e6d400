/** @file LIB: Analyze Model… — a spec, or a model that was found; the file in the active editor comes first. */

import { QuickPickItemKind, Uri, window, workspace, type QuickPickItem } from "vscode";
import type { Requests } from "../../../server/src/protocol/requests";
import type { LensServer } from "../languageClient";
import type { LivePanels } from "../livePanel";
import { showProgress } from "../progress";
import { fileName } from "../format";
import type { Runs } from "../runs";
import { settings } from "../settings";
import { activeFile, isModelFile, isSpecFile } from "./activeFile";

export interface AnalysisServices { server: LensServer; runs: Runs; panels: LivePanels }

type Target = Requests["lib/analyze"]["params"];
type TargetItem = QuickPickItem & { target?: Target };

/** @param argument a `Target`, a tree node, the URI of a file, or nothing: then the user is asked. */
export async function analyzeCommand(services: AnalysisServices, argument: unknown): Promise<void> {
  if (!workspace.isTrusted) throw new Error("This workspace is not trusted: trust it to start an analysis.");
  const target = targetOf(argument) ?? (await pickTarget(services.server));
  if (target === null) return;
  // The server reads the file from disk: what the user sees in the editor must be there.
  for (const document of workspace.textDocuments) {
    if (document.isDirty && document.uri.toString() === target.spec) await document.save();
  }
  const view = settings.openGraphOnAnalyze ? await services.panels.prepare() : null;
  try {
    const { run } = await services.server.request("lib/analyze", target);
    view?.follow(run);
    showProgress(services.server, services.runs, run, `Analyzing ${fileName(target.spec ?? target.model ?? "model")}`);
  } catch (error) {
    view?.close();
    throw error;
  }
}

function targetOf(argument: unknown): Target | null {
  if (argument instanceof Uri) return uriTarget(argument);
  if (typeof argument !== "object" || argument === null) return null;
  const { spec, model, reference } = argument as { spec?: unknown; model?: unknown; reference?: unknown };
  if (typeof reference === "object" && reference !== null) return targetOf(reference);
  if (typeof spec === "string") return { spec };
  if (typeof model === "string") return { model };
  return null;
}

const uriTarget = (uri: Uri): Target => (isSpecFile(uri) ? { spec: uri.toString() } : { model: uri.toString() });

async function pickTarget(server: LensServer): Promise<Target | null> {
  const [specs, models] = await Promise.all([workspace.findFiles("**/*.lib.json", "**/{node_modules,.lib-lens}/**", 500), server.request("lib/models", {})]);
  const active = activeFile();
  const first = active !== null && (isSpecFile(active) || isModelFile(active)) ? active : null;
  const seen = new Set<string>();
  const item = (uri: Uri): TargetItem[] => {
    if (seen.has(uri.toString())) return [];
    seen.add(uri.toString());
    return [{ label: fileName(uri.path), description: workspace.asRelativePath(uri, false), target: uriTarget(uri) }];
  };
  const group = (label: string, items: TargetItem[]): TargetItem[] =>
    items.length === 0 ? [] : [{ label, kind: QuickPickItemKind.Separator }, ...items];

  const items = [
    ...group("active editor", first === null ? [] : item(first)),
    ...group("analysis specs", specs.sort((a, b) => a.path.localeCompare(b.path)).flatMap(item)),
    ...group("models found", models.flatMap((reference) => {
      if (reference.model === null) return [];
      return item(Uri.parse(reference.model)).map((entry) => ({ ...entry, ...(reference.source === null ? {} : { detail: `named in ${fileName(reference.source.uri)}: ${reference.text}` }) }));
    })),
  ];
  if (items.length === 0) {
    throw new Error("No analysis spec (*.lib.json) and no model file was found in this workspace: open the folder that holds the checkpoint.");
  }
  const choice = await window.showQuickPick(items, { title: "Analyze Model", placeHolder: "A spec, or a model whose data can be inferred", matchOnDescription: true });
  return choice?.target ?? null;
}
