/** @file LIB: Select Compute Backend — what works on this machine, how fast, and why not. */

import { ProgressLocation, window, type QuickPickItem } from "vscode";
import type { LensServer } from "../languageClient";
import { settings, type BackendChoice } from "../settings";

export async function selectBackend(server: LensServer): Promise<void> {
  const found = await window.withProgress({ location: ProgressLocation.Window, title: "Checking compute backends" }, () => server.request("lib/backends", {}));
  const current = settings.backend;
  const items: (QuickPickItem & { choice: BackendChoice; available: boolean })[] = [
    { label: "auto", description: current === "auto" ? "current" : "", detail: "The first one that loads and passes the correctness check", choice: "auto", available: true },
    ...found.map(({ name, available, reason, gflops }) => ({
      label: `${available ? "$(check)" : "$(circle-slash)"} ${name}`,
      description: [current === name ? "current" : "", gflops === null ? "" : `${gflops.toFixed(1)} GFLOP/s`].filter(Boolean).join(" · "),
      detail: reason,
      choice: name,
      available,
    })),
  ];
  const choice = await window.showQuickPick(items, { title: "Compute Backend", placeHolder: "Used from the next analysis on", matchOnDetail: true });
  if (choice === undefined) return;
  if (!choice.available) throw new Error(`The backend ${choice.choice} does not work here: ${choice.detail ?? "unknown reason"}`);
  await settings.setBackend(choice.choice);
}
