/** @file LIB: Ablate… — how much can be removed before the score drops; the curves appear in the Plots tab as they come. */

import { window, workspace, type QuickPickItem } from "vscode";
import type { AblationTarget } from "../../../server/src/protocol/ablation";
import type { BasisName } from "../../../server/src/protocol/result";
import type { LensServer } from "../languageClient";
import { fileName } from "../format";
import { showProgress } from "../progress";
import type { Runs } from "../runs";
import type { ViewRegistry } from "../viewRegistry";
import { openView } from "./openView";
import { pickResult, uriOf } from "./pickResult";

interface AblateServices { server: LensServer; runs: Runs; views: ViewRegistry }

const targets: (QuickPickItem & { what: AblationTarget })[] = [
  { label: "Features", detail: "Score of the model with only the k most important features of each layer", what: "nodes" },
  { label: "Edges", detail: "Score with only the n strongest edges of each section, and how many are required", what: "edges" },
];
const bases: (QuickPickItem & { basis: BasisName })[] = [
  { label: "LIB", picked: true, basis: "lib" },
  { label: "PCA", picked: true, basis: "pca" },
  { label: "Neurons", basis: "neuron" },
];

/** @param argument a `ViewTarget`, a tree node, or nothing: then the view in front, the active file, or a choice. */
export async function ablateCommand({ server, runs, views }: AblateServices, argument: unknown): Promise<void> {
  if (!workspace.isTrusted) throw new Error("This workspace is not trusted: trust it to start an ablation.");
  const uri = uriOf(argument) ?? views.current?.view.uri ?? (await pickResult(server));
  if (uri === null) return;
  const { evaluation, model } = await server.request("lib/result", { uri: uri.toString() });
  if (evaluation === undefined) throw new Error("This result has no labelled data to measure with: name it in \"evaluation\" of the spec and analyse again.");
  const target = await window.showQuickPick(targets, { title: "Ablate what?" });
  if (target === undefined) return;
  const chosen = await window.showQuickPick(bases, { title: `Ablate ${target.label}`, placeHolder: "In which bases? They are compared in one plot", canPickMany: true });
  if (chosen === undefined || chosen.length === 0) return;
  await openView({ server, views }, "plots", { uri: uri.toString() });
  const { run } = await server.request("lib/ablateCurves", { uri: uri.toString(), what: target.what, bases: chosen.map(({ basis }) => basis) });
  showProgress(server, runs, run, `Ablating ${target.label.toLowerCase()} of ${fileName(model.path)}`);
}
