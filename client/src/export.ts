/** @file Saves a picture or table that a view has made. */

import { basename } from "node:path";
import { Uri, window, workspace } from "vscode";
import type { ViewMessage } from "../../server/src/protocol/views";

type ExportMessage = Extract<ViewMessage, { kind: "export" }>;

const names: Record<ExportMessage["format"], string> = { png: "PNG image", svg: "SVG drawing", csv: "Comma-separated values", json: "JSON" };

/** Asks where to save, beside the result at first, and writes the bytes. */
export async function saveExport(result: Uri | null, message: ExportMessage): Promise<void> {
  const folder = workspace.workspaceFolders?.[0]?.uri ?? (result === null ? Uri.file(process.cwd()) : Uri.joinPath(result, ".."));
  // The name comes from a webview: only its last part, and only plain characters.
  const name = basename(message.name).replace(/[^\w.-]+/g, "-");
  const target = await window.showSaveDialog({
    defaultUri: Uri.joinPath(folder, `${name}.${message.format}`),
    filters: { [names[message.format]]: [message.format] },
    title: "Export from LIB Lens",
  });
  if (target === undefined) return;
  await workspace.fs.writeFile(target, message.bytes);
  window.setStatusBarMessage(`$(check) Saved ${basename(target.path)}`, 5000);
}
