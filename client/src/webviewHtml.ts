/** @file The page of a view: strict content security policy, one script, one style sheet, nothing remote. */

import { randomBytes } from "node:crypto";
import { Uri, type Webview } from "vscode";

/** The view needs nothing outside the bundle. */
export const webviewOptions = (extensionUri: Uri): { enableScripts: true; localResourceRoots: Uri[] } => ({
  enableScripts: true,
  localResourceRoots: [Uri.joinPath(extensionUri, "dist", "webview")],
});

export function webviewHtml(webview: Webview, extensionUri: Uri): string {
  const nonce = randomBytes(16).toString("base64url");
  const asset = (name: string): string => webview.asWebviewUri(Uri.joinPath(extensionUri, "dist", "webview", name)).toString();
  const policy = [
    "default-src 'none'",
    `img-src ${webview.cspSource} data: blob:`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `script-src 'nonce-${nonce}'`,
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" nonce="${nonce}" href="${asset("result.css")}">
<title>LIB result</title>
</head>
<body>
<div id="app"></div>
<script nonce="${nonce}" src="${asset("result.js")}"></script>
</body>
</html>`;
}
