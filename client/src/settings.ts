/** @file The settings of `libLens.*`, typed. Names, defaults and descriptions stand in package.json. */

import { workspace } from "vscode";
import type { BackendName } from "../../server/src/protocol/result";

export type BackendChoice = BackendName | "auto";

export const settings = {
  get backend(): BackendChoice {
    return workspace.getConfiguration("libLens").get<BackendChoice>("backend", "auto");
  },
  setBackend(choice: BackendChoice): Thenable<void> {
    return workspace.getConfiguration("libLens").update("backend", choice, true);
  },
  get openGraphOnAnalyze(): boolean {
    return workspace.getConfiguration("libLens").get<boolean>("openGraphOnAnalyze", true);
  },
} as const;
