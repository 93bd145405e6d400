/** @file The open views, so that commands find the one that shows a result or a run instead of opening a second one. */

import { ViewColumn, type WebviewPanel } from "vscode";
import type { LensServer } from "./languageClient";
import type { ResultView } from "./resultView";

export class ViewRegistry {
  private readonly open = new Map<WebviewPanel, ResultView>();

  add(panel: WebviewPanel, view: ResultView): void {
    this.open.set(panel, view);
    panel.onDidDispose(() => {
      this.open.delete(panel);
      view.dispose();
    });
  }

  find(matches: (view: ResultView) => boolean): { panel: WebviewPanel; view: ResultView } | null {
    for (const [panel, view] of this.open) if (matches(view)) return { panel, view };
    return null;
  }

  /** Where the next view belongs: with the others, or beside the code. */
  get column(): ViewColumn {
    return this.current?.panel.viewColumn ?? ViewColumn.Beside;
  }

  /** The view that has the focus, or else the last one that is visible. */
  get current(): { panel: WebviewPanel; view: ResultView } | null {
    const entries = [...this.open];
    const entry = entries.find(([panel]) => panel.active) ?? entries.findLast(([panel]) => panel.visible);
    return entry === undefined ? null : { panel: entry[0], view: entry[1] };
  }

  /** A rewritten result is read again by the views that show it. */
  watch(server: LensServer): { dispose(): void } {
    return server.onResultsChanged(() => {
      for (const view of this.open.values()) void view.reload().catch((error: unknown) => server.log(String(error)));
    });
  }
}
