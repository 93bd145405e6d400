/** @file The view of a run in progress. It becomes the view of the result, and after a window reload it opens that result. */

import { Uri, window, type WebviewPanel, type WebviewPanelSerializer } from "vscode";
import { fileName, resultTitle } from "./format";
import { ResultView, type ViewServices, type ViewSource } from "./resultView";
import type { ViewRegistry } from "./viewRegistry";
import { webviewHtml, webviewOptions } from "./webviewHtml";

export const liveViewType = "libLens.run";

/** Milliseconds. */
const longestWait = 3000;

export interface PreparedView { follow(run: string): void; close(): void }

export class LivePanels implements WebviewPanelSerializer<unknown> {
  constructor(private readonly services: ViewServices, private readonly views: ViewRegistry) {}

  /** Shows `run` beside the code; the keyboard stays where it is. */
  open(run: string, preserveFocus: boolean): void {
    const known = this.views.find((view) => view.run === run);
    if (known !== null) {
      known.panel.reveal(undefined, preserveFocus);
      return;
    }
    const panel = window.createWebviewPanel(liveViewType, "LIB analysis", { viewColumn: this.views.column, preserveFocus });
    this.attach(panel, { uri: null, run });
  }

  /**
   * Opens a view for a run that is about to start and waits until its page has loaded, so that nothing of a fast run
   * is missed; not for long, because the run matters more than its picture.
   */
  async prepare(): Promise<PreparedView> {
    const panel = window.createWebviewPanel(liveViewType, "LIB analysis", { viewColumn: this.views.column, preserveFocus: true });
    const view = this.attach(panel, { uri: null, run: null });
    await Promise.race([view.whenReady, new Promise((resolve) => setTimeout(resolve, longestWait))]);
    return { follow: (run) => view.follow(run), close: () => panel.dispose() };
  }

  deserializeWebviewPanel(panel: WebviewPanel, state: unknown): Promise<void> {
    this.attach(panel, restoredSource(state));
    return Promise.resolve();
  }

  private attach(panel: WebviewPanel, source: ViewSource): ResultView {
    const { extensionUri, runs } = this.services;
    panel.webview.options = webviewOptions(extensionUri);
    panel.iconPath = { light: Uri.joinPath(extensionUri, "media", "result-light.svg"), dark: Uri.joinPath(extensionUri, "media", "result-dark.svg") };
    const view = new ResultView(panel.webview, this.services, source, (metadata) => { panel.title = resultTitle(metadata); });
    const entitle = (): void => {
      const run = source.run === null ? undefined : runs.get(source.run);
      if (run?.started) panel.title = `LIB: ${fileName(run.started.model)}`;
    };
    entitle();
    const listener = runs.onDidChange(({ event }) => { if (event.kind === "started" && event.run === source.run) entitle(); });
    panel.onDidDispose(() => listener.dispose());
    panel.webview.html = webviewHtml(panel.webview, extensionUri);
    this.views.add(panel, view);
    return view;
  }
}

/** The view's own saved state names the result, or the run if it had none yet. */
function restoredSource(state: unknown): ViewSource {
  const saved = (typeof state === "object" && state !== null ? state : {}) as { uri?: unknown; run?: unknown };
  return {
    uri: typeof saved.uri === "string" ? Uri.parse(saved.uri) : null,
    run: typeof saved.run === "string" ? saved.run : "unknown",
  };
}
