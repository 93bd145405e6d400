/** @file LIB: Open Interaction Graph, LIB: Open Jacobian Heatmap and LIB: Open Plots. */

import { commands, TabInputCustom, window, type Tab, type Uri, type ViewColumn, type WebviewPanel } from "vscode";
import type { HostMessage } from "../../../server/src/protocol/views";
import type { LensServer } from "../languageClient";
import { resultViewType } from "../resultEditor";
import type { ResultView } from "../resultView";
import type { ViewRegistry } from "../viewRegistry";
import { pickResult, uriOf } from "./pickResult";

interface OpenServices { server: LensServer; views: ViewRegistry }

type Show = Extract<HostMessage, { kind: "show" }>;

/** @param argument a `ViewTarget`, a tree node, or nothing: then the view in front, the active file, or a choice. */
export async function openView({ server, views }: OpenServices, tab: "graph" | "jacobians" | "plots", argument: unknown): Promise<void> {
  const place = placeOf(argument);
  const show: Show = { kind: "show", tab, ...place };
  if (typeof argument !== "object" || argument === null) {
    const current = views.current;
    if (current?.view.alive === true) {
      showIn(current, show);
      return;
    }
  }
  const uri = uriOf(argument) ?? (await pickResult(server));
  if (uri === null) return;
  const shows = (view: ResultView): boolean => view.uri?.toString() === uri.toString();
  if (views.find(shows) === null) {
    await commands.executeCommand("vscode.openWith", uri, resultViewType, { viewColumn: tabColumn(uri) ?? views.column, preserveFocus: false });
  }
  const open = views.find(shows);
  if (open !== null) showIn(open, show);
}

interface OpenView { panel: WebviewPanel; view: ResultView }

function showIn(open: OpenView, message: Show): void {
  const hidden = !open.panel.visible;
  reveal(open);
  open.view.show(message, hidden);
}

/** Where it is: a panel that was restored does not know its column, and without one it would be moved to the column with the focus. */
function reveal({ panel, view }: OpenView): void {
  const column = panel.viewColumn ?? (view.uri === null ? null : tabColumn(view.uri));
  panel.reveal(column ?? undefined);
}

/** After a reload of the window a tab may be there whose view is not: it is shown instead of a second one. */
function tabColumn(uri: Uri): ViewColumn | null {
  const shows = ({ input }: Tab): boolean => input instanceof TabInputCustom && input.viewType === resultViewType && input.uri.toString() === uri.toString();
  return window.tabGroups.all.find(({ tabs }) => tabs.some(shows))?.viewColumn ?? null;
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
