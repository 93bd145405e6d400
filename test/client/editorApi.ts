/**
 * @file As much of the editor's programming interface as VS Code's language client needs to start a server and talk to it in plain Node: real
 * events, tokens and workspace folders. Whatever else it asks for exists and does nothing; no document is ever open.
 */

import { pathToFileURL } from "node:url";
import { CancellationTokenSource, Emitter } from "vscode-languageserver-protocol/node";

const disposable = { dispose: (): void => undefined };
const doNothing = (): object => nothing;
/** Anything that a function of the editor gives back: a watcher, a channel, a collection. */
const nothing: object = new Proxy(disposable, { get: (target, name) => (name === "then" ? undefined : Reflect.get(target, name) as unknown ?? doNothing) });

/** @param known answers of its own; every other name is a function without effect */
const room = (known: object): object => new Proxy(known, { get: (target, name) => (name in target ? Reflect.get(target, name) as unknown : doNothing) });

class Uri {
  readonly scheme = "file";
  private constructor(private readonly text: string) {}

  static parse(text: string): Uri { return new Uri(text); }
  static file(path: string): Uri { return new Uri(pathToFileURL(path).href); }
  toString(): string { return this.text; }
}

/** The module `vscode`. @param folder of the workspace */
export function editorApi(folder: string): object {
  const known: Record<string, unknown> = {
    EventEmitter: Emitter, CancellationTokenSource, Uri,
    Disposable: class { static from = (): object => disposable; dispose(): void { /* holds nothing */ } },
    CancellationError: class extends Error {},
    version: "1.101.0",
    env: { language: "en", appName: "test" },
    workspace: room({
      isTrusted: true, textDocuments: [], notebookDocuments: [], workspaceFolders: [{ uri: Uri.file(folder), name: "workspace", index: 0 }],
      getConfiguration: () => ({ get: () => undefined }),
    }),
    window: room({ visibleTextEditors: [], activeTextEditor: undefined, tabGroups: room({ all: [] }) }),
    languages: room({ match: () => 0 }),
    commands: room({}), extensions: room({}), notebooks: room({}),
  };
  // Classes to be extended and lists of constants.
  return new Proxy(known, { get: (target, name) => (name in target ? target[name as string] : class {}) });
}
