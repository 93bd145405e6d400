/** @file The settings of `libLens.*`, typed. Names, defaults and descriptions stand in package.json. */

import { ConfigurationTarget, workspace } from "vscode";
import type { BackendName } from "../../server/src/protocol/result";

export type BackendChoice = BackendName | "auto";

export const settings = {
  get backend(): BackendChoice {
    return workspace.getConfiguration("libLens").get<BackendChoice>("backend", "auto");
  },
  /** For every workspace, unless this one has a choice of its own, which would win. */
  setBackend(choice: BackendChoice): Thenable<void> {
    const configuration = workspace.getConfiguration("libLens");
    const own = configuration.inspect("backend")?.workspaceValue !== undefined;
    return configuration.update("backend", choice, own ? ConfigurationTarget.Workspace : ConfigurationTarget.Global);
  },
  get openGraphOnAnalyze(): boolean {
    return workspace.getConfiguration("libLens").get<boolean>("openGraphOnAnalyze", true);
  },
} as const;
