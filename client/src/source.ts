/** @file From a node layer to the line that defines it. */

import { Range, Uri, ViewColumn, window } from "vscode";
import type { LensServer } from "./languageClient";

/** @throws Error with a sentence when no scanned file defines the layer. */
export async function revealLayer(server: LensServer, uri: string, layer: string): Promise<void> {
  const place = await server.request("lib/layerSource", { uri, layer });
  if (place === null) throw new Error(`No code in this workspace is bound to ${layer}: open the file that defines the model, then try again.`);
  const at = new Range(place.line, place.character, place.line, place.character);
  // An editor that shows the file already is used; the result stays where it is.
  const open = window.visibleTextEditors.find((editor) => editor.document.uri.toString() === Uri.parse(place.uri).toString());
  await window.showTextDocument(Uri.parse(place.uri), { selection: at, viewColumn: open?.viewColumn ?? ViewColumn.One });
}
