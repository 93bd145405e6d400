/** @file Starts the language server and gives its own methods (protocol/requests.ts) as typed calls. */

import { join } from "node:path";
import { EventEmitter, workspace, type CancellationToken, type Disposable, type Event, type ExtensionContext } from "vscode";
import {
  LanguageClient, TransportKind, type ClientCapabilities, type LanguageClientOptions, type StaticFeature,
} from "vscode-languageclient/node";
import type { RunEvent } from "../../server/src/protocol/events";
import type { InitializationOptions, Notifications, Requests } from "../../server/src/protocol/requests";
import { viewCommands } from "../../server/src/protocol/views";

/**
 * Runs have a notification and a status bar item of their own, fed by `lib/run`.
 * Without this the client would also show the server's LSP work-done progress: the same run twice.
 */
const ownProgress: StaticFeature = {
  fillClientCapabilities(capabilities: ClientCapabilities) {
    capabilities.window = { ...capabilities.window, workDoneProgress: false };
  },
  initialize() { /* nothing to register */ },
  getState: () => ({ kind: "static" }),
  clear() { /* nothing to free */ },
};

/** What the rest of the extension needs of the server. */
export interface LensServer {
  request<Method extends keyof Requests>(method: Method, params: Requests[Method]["params"], token?: CancellationToken): Promise<Requests[Method]["result"]>;
  readonly onRun: Event<RunEvent>;
  readonly onResultsChanged: Event<void>;
  readonly onModelsChanged: Event<void>;
  /** The process is new: ids of earlier runs mean nothing to it. */
  readonly onRestarted: Event<void>;
  showLog(): void;
  log(message: string): void;
}

export class LensClient implements LensServer, Disposable {
  private readonly client: LanguageClient;
  private readonly run = new EventEmitter<RunEvent>();
  private readonly resultsChanged = new EventEmitter<void>();
  private readonly modelsChanged = new EventEmitter<void>();
  private readonly restarted = new EventEmitter<void>();
  readonly onRun = this.run.event;
  readonly onResultsChanged = this.resultsChanged.event;
  readonly onModelsChanged = this.modelsChanged.event;
  readonly onRestarted = this.restarted.event;
  private readonly subscriptions: Disposable[] = [];

  constructor(context: ExtensionContext) {
    const module = context.asAbsolutePath(join("dist", "server.js"));
    const options: LanguageClientOptions = {
      documentSelector: [
        { scheme: "file", language: "python" },
        { scheme: "file", language: "typescript" },
        { scheme: "file", language: "javascript" },
        { scheme: "file", pattern: "**/*.{yaml,yml,json,jsonc}" },
        { notebook: { scheme: "file", notebookType: "jupyter-notebook" }, language: "python" },
      ],
      // A function: the answer differs after the user has trusted the workspace and the server is started again.
      initializationOptions: (): InitializationOptions => ({ trusted: workspace.isTrusted, commandLinks: true, hoverImages: true }),
      synchronize: { configurationSection: "libLens" },
      markdown: { isTrusted: { enabledCommands: Object.values(viewCommands) }, supportHtml: true },
      outputChannelName: "LIB Lens",
    };
    this.client = new LanguageClient("libLens", "LIB Lens", {
      run: { module, transport: TransportKind.ipc },
      debug: { module, transport: TransportKind.ipc, options: { execArgv: ["--nolazy", "--inspect=6109"] } },
    }, options);
    this.client.registerFeature(ownProgress);
    this.listen("lib/run", (event) => this.run.fire(event));
    this.listen("lib/resultsChanged", () => this.resultsChanged.fire());
    this.listen("lib/modelsChanged", () => this.modelsChanged.fire());
    this.subscriptions.push(workspace.onDidGrantWorkspaceTrust(async () => {
      await this.client.restart();
      this.restarted.fire();
    }));
  }

  start(): Promise<void> {
    return this.client.start();
  }

  request<Method extends keyof Requests>(method: Method, params: Requests[Method]["params"], token?: CancellationToken): Promise<Requests[Method]["result"]> {
    // A token that is undefined would be sent as a second parameter.
    return token === undefined ? this.client.sendRequest<Requests[Method]["result"]>(method, params) : this.client.sendRequest<Requests[Method]["result"]>(method, params, token);
  }

  showLog(): void {
    this.client.outputChannel.show(true);
  }

  log(message: string): void {
    this.client.outputChannel.info(message);
  }

  dispose(): void {
    for (const item of [...this.subscriptions, this.run, this.resultsChanged, this.modelsChanged, this.restarted]) item.dispose();
    void this.client.dispose();
  }

  private listen<Name extends keyof Notifications>(name: Name, handler: (params: Notifications[Name]) => void): void {
    this.subscriptions.push(this.client.onNotification(name, handler));
  }
}
