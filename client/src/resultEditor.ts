/** @file The read-only editor of `*.libresult`. VS Code restores it after a reload by itself. */

import type { CustomDocument, CustomReadonlyEditorProvider, Uri, WebviewPanel } from "vscode";
import { resultTitle } from "./format";
import type { ViewRegistry } from "./viewRegistry";
import { ResultView, type ViewServices } from "./resultView";
import { webviewHtml, webviewOptions } from "./webviewHtml";

export const resultViewType = "libLens.result";

export class ResultEditor implements CustomReadonlyEditorProvider {
  constructor(private readonly services: ViewServices, private readonly views: ViewRegistry) {}

  openCustomDocument(uri: Uri): CustomDocument {
    return { uri, dispose() { /* the server reads the file; nothing is held here */ } };
  }

  resolveCustomEditor(document: CustomDocument, panel: WebviewPanel): void {
    panel.webview.options = webviewOptions(this.services.extensionUri);
    // The file's name is a hash: the tab names the model, and enough of the key to tell two results apart.
    const view = new ResultView(panel.webview, this.services, { uri: document.uri, run: null }, (metadata) => { panel.title = resultTitle(metadata); });
    panel.webview.html = webviewHtml(panel.webview, this.services.extensionUri);
    this.views.add(panel, view);
  }
}
