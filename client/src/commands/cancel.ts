/** @file LIB: Cancel — the only run, the one of the tree item, or the one that the user picks. */

import { window } from "vscode";
import type { LensServer } from "../languageClient";
import { fileName } from "../format";
import { runSummary, type Runs } from "../runs";

export async function cancelCommand(server: LensServer, runs: Runs, argument: unknown): Promise<void> {
  const run = runOf(argument) ?? (await pickRun(runs));
  if (run === null) return;
  await server.request("lib/cancel", { run });
}

function runOf(argument: unknown): string | null {
  const id = (argument as { run?: { id?: unknown } } | null | undefined)?.run?.id;
  return typeof id === "string" ? id : null;
}

async function pickRun(runs: Runs): Promise<string | null> {
  const { active } = runs;
  if (active.length === 0) {
    window.setStatusBarMessage("LIB: nothing is running", 3000);
    return null;
  }
  if (active.length === 1) return active[0]!.id;
  const choice = await window.showQuickPick(active.map((run) => ({
    label: fileName(run.started?.spec ?? run.started?.model ?? "analysis"), description: runSummary(run), id: run.id,
  })), { title: "Cancel which run?" });
  return choice?.id ?? null;
}
