/** @file LIB: Select Compute Backend — what works on this machine, how fast, and why not. */

import { QuickPickItemKind, ThemeIcon, window, type QuickPickItem } from "vscode";
import type { BackendStatus } from "../../../server/src/protocol/requests";
import type { LensServer } from "../languageClient";
import { settings } from "../settings";
import { backendChoices, type BackendOption } from "./backendChoices";

type BackendItem = QuickPickItem & { option?: BackendOption };

/** @param found is told what works, whatever the user chooses then */
export async function selectBackend(server: LensServer, found: (statuses: readonly BackendStatus[]) => void): Promise<void> {
  const option = await pickBackend(async (refresh) => {
    const statuses = await server.request("lib/backends", { refresh });
    found(statuses);
    return statuses;
  });
  if (option === null) return;
  if (!option.available) throw new Error(`The backend ${option.choice} does not work here. ${option.reason}`);
  await settings.setBackend(option.choice);
}

/** The list is there at once and fills in when the backends have answered; its button tries and measures them anew. */
function pickBackend(probe: (refresh: boolean) => Promise<BackendStatus[]>): Promise<BackendOption | null> {
  const picker = window.createQuickPick<BackendItem>();
  picker.title = "Compute Backend";
  picker.matchOnDescription = true;
  picker.matchOnDetail = true;
  const fill = async (refresh: boolean): Promise<void> => {
    picker.busy = true;
    // Trying takes seconds: who works on meanwhile finds the list, not an empty screen.
    picker.ignoreFocusOut = true;
    picker.buttons = [];
    picker.items = [];
    picker.placeholder = "Trying the backends of this machine…";
    const items = backendChoices(await probe(refresh), settings.backend).flatMap(({ title, options }): BackendItem[] => [
      ...(title === "" ? [] : [{ label: title, kind: QuickPickItemKind.Separator }]),
      ...options.map((option) => ({
        label: option.label, description: option.description, detail: option.detail, option,
        iconPath: new ThemeIcon(option.choice === "auto" ? "wand" : option.available ? "check" : "circle-slash"),
      })),
    ]);
    picker.items = items;
    picker.activeItems = items.filter(({ option }) => option?.choice === settings.backend);
    picker.placeholder = "Computes the next analysis; choose one that does not work to see what to do";
    picker.buttons = [{ iconPath: new ThemeIcon("refresh"), tooltip: "Try and measure them again" }];
    picker.ignoreFocusOut = false;
    picker.busy = false;
  };
  return new Promise<BackendOption | null>((resolve, reject) => {
    picker.onDidAccept(() => {
      const option = picker.selectedItems[0]?.option;
      if (option !== undefined) resolve(option);
    });
    picker.onDidHide(() => resolve(null));
    picker.onDidTriggerButton(() => { fill(true).catch(reject); });
    picker.show();
    fill(false).catch(reject);
  }).finally(() => picker.dispose());
}
