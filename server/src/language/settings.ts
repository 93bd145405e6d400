/** @file The user's settings that concern the language server, with defaults for clients that have none. */

import type { BackendName } from "../protocol/result";

export interface Settings {
  hover: boolean;
  codeLens: boolean;
  documentLinks: boolean;
  diagnostics: boolean;
  backend: BackendName | "auto";
  /** Such as "4GB"; null: what the spec says. */
  maxMemory: string | null;
  /** Folder for results; null: `.lib-lens` beside the spec or model. */
  storeFolder: string | null;
}

export const defaultSettings: Settings = {
  hover: true, codeLens: true, documentLinks: true, diagnostics: true, backend: "auto", maxMemory: null, storeFolder: null,
};

const backends: readonly string[] = ["tensorflow", "webgpu", "wasm", "cpu"] satisfies BackendName[];

/** Section `libLens` as the client sends it; what is absent or of a wrong type has its default. */
export function readSettings(section: unknown): Settings {
  const enabled = (name: string, absent: boolean): boolean => {
    const value = property(property(section, name), "enabled");
    return typeof value === "boolean" ? value : absent;
  };
  const text = (name: string): string | null => {
    const value = property(section, name);
    return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
  };
  const backend = text("backend");
  return {
    hover: enabled("hover", defaultSettings.hover),
    codeLens: enabled("codeLens", defaultSettings.codeLens),
    documentLinks: enabled("documentLinks", defaultSettings.documentLinks),
    diagnostics: enabled("diagnostics", defaultSettings.diagnostics),
    backend: backend !== null && backends.includes(backend) ? backend as BackendName : "auto",
    maxMemory: text("maxMemory"),
    storeFolder: text("storeFolder"),
  };
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}
