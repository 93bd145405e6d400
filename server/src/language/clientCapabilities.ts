/** @file What the client can do, read once. */

import { type InitializeParams, MarkupKind } from "vscode-languageserver";
import type { InitializationOptions } from "../protocol/requests";

export interface ClientAbilities {
  readonly markdown: boolean;
  /** Runs `command:` links of hovers and the commands of code lenses. */
  readonly commandLinks: boolean;
  readonly hoverImages: boolean;
  /** false: only static facts and cached results. */
  readonly trusted: boolean;
  readonly wasmFolder: string | null;
  readonly configuration: boolean;
  readonly configurationChanges: boolean;
  readonly workspaceFolderChanges: boolean;
  readonly watchedFiles: boolean;
  readonly workDoneProgress: boolean;
  readonly codeLensRefresh: boolean;
}

export function readAbilities(params: InitializeParams): ClientAbilities {
  const options = readOptions(params.initializationOptions);
  const { textDocument, workspace, window } = params.capabilities;
  const formats = textDocument?.hover?.contentFormat ?? [];
  return {
    markdown: formats.includes(MarkupKind.Markdown),
    commandLinks: options.commandLinks ?? false,
    hoverImages: options.hoverImages ?? false,
    // A client that knows no trust (Neovim, Emacs) has none to withhold.
    trusted: options.trusted ?? true,
    wasmFolder: options.wasmFolder ?? null,
    configuration: workspace?.configuration ?? false,
    configurationChanges: workspace?.didChangeConfiguration?.dynamicRegistration ?? false,
    workspaceFolderChanges: workspace?.workspaceFolders ?? false,
    watchedFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration ?? false,
    workDoneProgress: window?.workDoneProgress ?? false,
    codeLensRefresh: workspace?.codeLens?.refreshSupport ?? false,
  };
}

/** Options come from outside: a field of a wrong type counts as absent. */
function readOptions(value: unknown): InitializationOptions {
  const given = typeof value === "object" && value !== null ? new Map(Object.entries(value)) : new Map<string, unknown>();
  const options: InitializationOptions = {};
  for (const name of ["trusted", "commandLinks", "hoverImages"] as const) {
    const flag = given.get(name);
    if (typeof flag === "boolean") options[name] = flag;
  }
  const folder = given.get("wasmFolder");
  if (typeof folder === "string") options.wasmFolder = folder;
  return options;
}
