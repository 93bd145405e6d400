/** @file LIB: Find What Features Respond To… — classes, positions, tokens or Fourier terms; shown in the Plots tab and with every feature. */

import { CancellationError, ProgressLocation, Uri, window, workspace, type QuickPickItem } from "vscode";
import type { LabelKind } from "../../../server/src/protocol/labels";
import type { BasisName } from "../../../server/src/protocol/result";
import type { DataKind, DataSpec } from "../../../server/src/protocol/spec";
import { fileName } from "../format";
import type { LensServer } from "../languageClient";
import type { ViewRegistry } from "../viewRegistry";
import { openView } from "./openView";
import { pickResult, uriOf } from "./pickResult";

interface LabelServices { server: LensServer; views: ViewRegistry }

const kinds: Record<LabelKind, QuickPickItem & { respondsTo: LabelKind }> = {
  fourier: { label: "Fourier terms", detail: "Frequencies of the two numbers that are added, on all pairs", respondsTo: "fourier" },
  class: { label: "Classes", detail: "Mean of every feature in every class of the labels", respondsTo: "class" },
  position: { label: "Positions", detail: "Mean of every feature at every position of the input", respondsTo: "position" },
  token: { label: "Tokens", detail: "The tokens where a feature is furthest from its mean", respondsTo: "token" },
};
/** How long the status bar names the file of the labels. */
const keptMilliseconds = 10_000;
/** LIB, and PCA to compare with. */
const bases: readonly BasisName[] = ["lib", "pca"];

/** @param argument a `ViewTarget`, a tree node, or nothing: then the view in front, the active file, or a choice. */
export async function findLabelsCommand({ server, views }: LabelServices, argument: unknown): Promise<void> {
  if (!workspace.isTrusted) throw new Error("This workspace is not trusted: trust it to look for labels.");
  const uri = uriOf(argument) ?? views.current?.view.uri ?? (await pickResult(server));
  if (uri === null) return;
  const { spec, model } = await server.request("lib/result", { uri: uri.toString() });
  const kind = await chosenKind(spec.data);
  if (kind === undefined) return;
  await openView({ server, views }, "plots", { uri: uri.toString() });
  const title = `Finding what the features of ${fileName(model.path)} respond to`;
  await window.withProgress({ location: ProgressLocation.Notification, cancellable: true, title }, async (progress, token) => {
    for (const basis of bases) {
      progress.report({ message: basis.toUpperCase() });
      try {
        const labels = await server.request("lib/labels", { uri: uri.toString(), kind, basis }, token);
        if (labels.notKept !== undefined) void window.showWarningMessage(labels.notKept);
        if (labels.kept !== undefined) window.setStatusBarMessage(`$(tag) Labels are kept in ${fileName(Uri.parse(labels.kept).path)}`, keptMilliseconds);
        views.find((view) => view.uri?.toString() === uri.toString())?.view.showLabels(basis, labels);
      } catch (error) {
        if (token.isCancellationRequested || error instanceof CancellationError) return;
        throw error;
      }
    }
  });
}

function possibleKinds(data: DataKind): (typeof kinds)[LabelKind][] {
  switch (data) {
    case "modular-addition": return [kinds.fourier, kinds.class, kinds.position, kinds.token];
    case "text": return [kinds.token, kinds.position];
    case "idx": case "cifar10-binary": case "images": case "block-vectors": return [kinds.class];
    // Arrays and tables may hold vectors or tokens.
    default: return [kinds.class, kinds.token, kinds.position];
  }
}

/** Asks only where the data leave a choice; undefined when the user does not choose. */
async function chosenKind(data: DataSpec): Promise<LabelKind | undefined> {
  const possible = possibleKinds(data.kind);
  if (possible.length === 1) return possible[0]!.respondsTo;
  return (await window.showQuickPick(possible, { title: "Find What Features Respond To", placeHolder: "To what?" }))?.respondsTo;
}
