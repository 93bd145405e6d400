/** @file LIB: Create Analysis Spec — writes a spec filled in with what the model file tells, and opens it. */

import { Uri, window, workspace } from "vscode";
import type { LensServer } from "../languageClient";
import { fileName } from "../format";
import { activeFile, isModelFile } from "./activeFile";

/** @param argument a tree node with a model reference, a model file's URI, or nothing: then the user is asked. */
export async function createSpecCommand(server: LensServer, argument: unknown): Promise<void> {
  const model = modelOf(argument) ?? (await pickModel(server));
  if (model === null) return;
  const { uri, text } = await server.request("lib/createSpec", { model: model.toString() });
  const target = Uri.parse(uri);
  // An existing spec may hold somebody's work: it is opened, never overwritten.
  if (!(await exists(target))) await workspace.fs.writeFile(target, Buffer.from(text, "utf8"));
  await window.showTextDocument(target);
}

function modelOf(argument: unknown): Uri | null {
  if (argument instanceof Uri) return argument;
  const model = (argument as { reference?: { model?: unknown } } | null | undefined)?.reference?.model;
  return typeof model === "string" ? Uri.parse(model) : null;
}

async function pickModel(server: LensServer): Promise<Uri | null> {
  const active = activeFile();
  const found = [...new Set((await server.request("lib/models", {})).flatMap(({ model }) => (model === null ? [] : [model])))];
  const models = active !== null && isModelFile(active) ? [active.toString(), ...found.filter((uri) => uri !== active.toString())] : found;
  const other = "Choose a file…";
  const choice = await window.showQuickPick([
    ...models.map((uri) => ({ label: fileName(uri), description: workspace.asRelativePath(Uri.parse(uri), false), uri })),
    { label: other, description: "", uri: "" },
  ], { title: "Create Analysis Spec", placeHolder: "For which model?" });
  if (choice === undefined) return null;
  if (choice.uri !== "") return Uri.parse(choice.uri);
  const picked = await window.showOpenDialog({ title: "Model file", canSelectMany: false });
  return picked?.[0] ?? null;
}

async function exists(uri: Uri): Promise<boolean> {
  try {
    await workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
