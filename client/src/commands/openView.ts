/** @file LIB: Open Interaction Graph and LIB: Open Jacobian Heatmap. */

import { commands, Uri, window } from "vscode";
import type { HostMessage } from "../../../server/src/protocol/views";
import { ago, fileName } from "../format";
import type { LensServer } from "../languageClient";
import { resultViewType } from "../resultEditor";
import type { ResultView } from "../resultView";
import type { ViewRegistry } from "../viewRegistry";
import { activeFile } from "./activeFile";

interface OpenServices { server: LensServer; views: ViewRegistry }

type Show = Extract<HostMessage, { kind: "show" }>;

/** @param argument a `ViewTarget`, a tree node, or nothing: then the view in front, the active file, or a choice. */
export async function openView({ server, views }: OpenServices, tab: "graph" | "jacobians", argument: unknown): Promise<void> {
  const place = placeOf(argument);
  const show: Show = { kind: "show", tab, ...place };
  if (typeof argument !== "object" || argument === null) {
    const current = views.current;
    if (current?.view.alive === true) {
      current.panel.reveal();
      current.view.show(show);
      return;
    }
  }
  const uri = uriOf(argument) ?? (await pickResult(server));
  if (uri === null) return;
  const shows = (view: ResultView): boolean => view.uri?.toString() === uri.toString();
  if (views.find(shows) === null) {
    await commands.executeCommand("vscode.openWith", uri, resultViewType, { viewColumn: views.column, preserveFocus: false });
  }
  const open = views.find(shows);
  open?.panel.reveal();
  open?.view.show(show);
}

function uriOf(argument: unknown): Uri | null {
  if (typeof argument !== "object" || argument === null) return null;
  const { uri } = argument as { uri?: unknown };
  return typeof uri === "string" ? Uri.parse(uri) : null;
}

function placeOf(argument: unknown): Pick<Show, "layer" | "feature" | "section"> {
  if (typeof argument !== "object" || argument === null) return {};
  const { layer, feature, section } = argument as { layer?: unknown; feature?: unknown; section?: unknown };
  return {
    ...(typeof layer === "string" ? { layer } : {}),
    ...(typeof feature === "number" ? { feature } : {}),
    ...(typeof section === "number" ? { section } : {}),
  };
}

async function pickResult(server: LensServer): Promise<Uri | null> {
  const active = activeFile();
  if (active?.path.endsWith(".libresult")) return active;
  const results = (await server.request("lib/results", {})).sort((a, b) => b.metadata.createdAt.localeCompare(a.metadata.createdAt));
  if (results.length === 0) throw new Error("There is no result yet: run LIB: Analyze Model… first.");
  if (results.length === 1) return Uri.parse(results[0]!.uri);
  const choice = await window.showQuickPick(results.map(({ uri, metadata }) => ({
    label: fileName(metadata.model.path),
    description: ago(metadata.createdAt),
    detail: metadata.layers.map((layer) => `${layer.name} ${layer.kept > 0 ? `${layer.kept}/${layer.dimension}` : layer.dimension}`).join("  ·  "),
    uri,
  })), { title: "Open Result", placeHolder: "Newest first" });
  return choice === undefined ? null : Uri.parse(choice.uri);
}
