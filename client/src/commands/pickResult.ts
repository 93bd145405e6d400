/** @file Which stored result a command is about. */

import { Uri, window } from "vscode";
import { ago, fileName } from "../format";
import type { LensServer } from "../languageClient";
import { activeFile } from "./activeFile";

/** Of a `ViewTarget` or a tree node; null for anything else. */
export function uriOf(argument: unknown): Uri | null {
  if (typeof argument !== "object" || argument === null) return null;
  const { uri } = argument as { uri?: unknown };
  return typeof uri === "string" ? Uri.parse(uri) : null;
}

/** The result in the active editor, the only one, or the one that the user picks. @throws Error when there is none. */
export async function pickResult(server: LensServer): Promise<Uri | null> {
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
