/** @file The language server: connects the protocol to the workspace index, the analysis and the features. No algorithm. */

import { dirname, join } from "node:path";
import {
  CodeLensRefreshRequest, type Connection, DidChangeConfigurationNotification, DidChangeWatchedFilesNotification, type InitializeParams,
  type InitializeResult, TextDocumentSyncKind,
} from "vscode-languageserver";
import { AnalysisService } from "../analysis/analysisService";
import type { RunEvent } from "../protocol/events";
import { ModelCache } from "../workspace/modelCache";
import { ThreadClient } from "../workspace/threads/threadClient";
import { pathOf, sameSpelling } from "../workspace/uris";
import { WorkspaceIndex } from "../workspace/workspaceIndex";
import { type ClientAbilities, readAbilities } from "./clientCapabilities";
import { codeLenses } from "./codeLens";
import type { LanguageContext } from "./context";
import { registerMethods } from "./customMethods";
import { diagnostics } from "./diagnostics";
import { documentLinks } from "./documentLink";
import { OpenDocuments } from "./documents";
import { hover } from "./hover";
import { LensRefresh } from "./lensRefresh";
import { listModels } from "./models";
import { ResultIndex } from "./resultIndex";
import { RunProgress } from "./runProgress";
import { type Settings, defaultSettings, readSettings } from "./settings";

export interface ServerFiles {
  /** Folder of the bundles: `worker.js`, `workspaceWorker.js`, `probe.js` and `wasm/`. */
  bundleFolder: string;
}

/** A hover or a link right after opening waits this long for the first scan, and no longer. */
const firstScanMilliseconds = 1_500;
const scanSeconds = 20;
const threadMegabytes = 512;
const watchedGlobs = [
  "**/*.{py,ipynb,yaml,yml,json,ts,tsx,js,jsx,mjs}",
  "**/*.{pt,pth,ckpt,bin,safetensors,onnx,pt2,keras,h5,npz}",
  "**/*.libresult",
  "**/*.labels.csv",
];

/** Registers everything on the connection; the caller starts listening. */
export function startLanguageServer(connection: Connection, { bundleFolder }: ServerFiles): void {
  let client: ClientAbilities | null = null;
  let settings: Settings = defaultSettings;
  let session: Session | null = null;

  connection.onInitialize((params): InitializeResult => {
    client = readAbilities(params);
    session = new Session(connection, client, bundleFolder, () => settings, foldersOf(params));
    return {
      serverInfo: { name: "lib-lens" },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
        notebookDocumentSync: { notebookSelector: [{ notebook: { notebookType: "jupyter-notebook" }, cells: [{ language: "python" }] }], save: true },
        hoverProvider: true,
        documentLinkProvider: { resolveProvider: false },
        codeLensProvider: { resolveProvider: false },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  });

  const readConfiguration = async (pushed?: unknown): Promise<void> => {
    settings = readSettings(client?.configuration ? await connection.workspace.getConfiguration("libLens") : pushed);
    session?.publish();
  };

  connection.onInitialized(async () => {
    if (client?.configurationChanges) void connection.client.register(DidChangeConfigurationNotification.type, { section: "libLens" });
    if (client?.watchedFiles) {
      void connection.client.register(DidChangeWatchedFilesNotification.type, { watchers: watchedGlobs.map((globPattern) => ({ globPattern })) });
    }
    if (client?.workspaceFolderChanges) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        session?.changeFolders(added.map((folder) => folder.uri), removed.map((folder) => folder.uri));
      });
    }
    await readConfiguration();
    await session?.start();
  });
  connection.onDidChangeConfiguration(({ settings: pushed }) => readConfiguration((pushed as { libLens?: unknown } | null)?.libLens));
  connection.onShutdown(() => session?.dispose());
}

class Session {
  readonly #connection: Connection;
  readonly #client: ClientAbilities;
  readonly #settings: () => Settings;
  readonly #scanner: ThreadClient;
  readonly #modelThread: ThreadClient;
  readonly #models: ModelCache;
  readonly #index: WorkspaceIndex;
  readonly #analysis: AnalysisService;
  readonly #results: ResultIndex;
  readonly #documents: OpenDocuments;
  readonly #folders: Set<string>;
  readonly #published = new Set<string>();
  readonly #lenses: LensRefresh | null;
  /** The models that were listed last, as text. */
  #listed = "[]";

  constructor(connection: Connection, client: ClientAbilities, bundleFolder: string, settings: () => Settings, folders: string[]) {
    this.#connection = connection;
    this.#client = client;
    this.#settings = settings;
    this.#folders = new Set(folders);
    const log = (message: string): void => connection.console.warn(message);
    const thread = { file: join(bundleFolder, "workspaceWorker.js"), data: { wasmFolder: client.wasmFolder ?? join(bundleFolder, "wasm") }, heapMegabytes: threadMegabytes };
    this.#scanner = new ThreadClient({ ...thread, timeoutMilliseconds: 1000 * scanSeconds, onRestart: () => this.#index.rescan() });
    this.#modelThread = new ThreadClient({ ...thread, timeoutMilliseconds: 1000 * scanSeconds });
    this.#models = new ModelCache(this.#modelThread);
    this.#index = new WorkspaceIndex({ folders, thread: this.#scanner, models: this.#models, log });
    this.#analysis = new AnalysisService({
      workerFile: join(bundleFolder, "worker.js"),
      probeFile: join(bundleFolder, "probe.js"),
      lookUp: "worker",
      storeFolder: (folder) => settings().storeFolder ?? join(folder, ".lib-lens"),
      backend: () => settings().backend,
      maxMemory: () => settings().maxMemory,
    });
    this.#results = new ResultIndex(this.#analysis);
    this.#documents = new OpenDocuments(this.#index, (uri) => this.#clear(uri));
    this.#lenses = client.codeLensRefresh ? new LensRefresh(() => void connection.sendRequest(CodeLensRefreshRequest.type).catch(() => undefined)) : null;
    this.#register();
  }

  /** Without folders the first opened document says where the workspace is. */
  async start(): Promise<void> {
    if (this.#folders.size > 0) await this.#index.setFolders([...this.#folders]);
  }

  changeFolders(added: readonly string[], removed: readonly string[]): void {
    for (const uri of removed) this.#folders.delete(pathOf(uri) ?? "");
    for (const uri of added) this.#folders.add(pathOf(uri) ?? "");
    this.#folders.delete("");
    void this.#index.setFolders([...this.#folders]);
  }

  /** Sends what clients do not ask for again by themselves. */
  publish(): void {
    const context = this.#context();
    for (const [uri, clientUri] of this.#documents.all()) {
      const items = context.settings.diagnostics ? diagnostics(context, uri, this.#documents.specText(clientUri)) : [];
      if (items.length === 0 && !this.#published.has(clientUri)) continue;
      this.#published.add(clientUri);
      void this.#connection.sendDiagnostics({ uri: clientUri, diagnostics: items });
    }
    this.#lenses?.request();
  }

  async dispose(): Promise<void> {
    this.#lenses?.dispose();
    this.#index.dispose();
    await Promise.all([this.#scanner.dispose(), this.#modelThread.dispose(), this.#analysis.dispose()]);
  }

  #register(): void {
    const connection = this.#connection;
    this.#documents.listen(connection);
    connection.onHover(async ({ textDocument, position }) => {
      if (!this.#settings().hover) return null;
      await this.#index.settled(firstScanMilliseconds);
      return hover(this.#context(), sameSpelling(textDocument.uri), position);
    });
    connection.onDocumentLinks(async ({ textDocument }) => {
      if (!this.#settings().documentLinks) return [];
      await this.#index.settled(firstScanMilliseconds);
      return documentLinks(this.#context(), sameSpelling(textDocument.uri));
    });
    connection.onCodeLens(async ({ textDocument }) => {
      if (this.#settings().codeLens) await this.#index.settled(firstScanMilliseconds);
      this.#lenses?.answered(textDocument.uri);
      if (!this.#settings().codeLens) return [];
      return codeLenses(this.#context(), sameSpelling(textDocument.uri));
    });
    connection.onDidChangeWatchedFiles(({ changes }) => {
      for (const { uri } of changes) {
        if (uri.endsWith(".libresult") || uri.endsWith(".labels.csv")) void this.#refreshResults();
        else this.#index.fileChanged(sameSpelling(uri));
      }
    });
    this.#index.onSnapshot((snapshot) => {
      this.publish();
      const models = JSON.stringify(listModels(snapshot));
      if (models !== this.#listed) void connection.sendNotification("lib/modelsChanged", {});
      this.#listed = models;
      void this.#refreshResults();
    });
    registerMethods({
      connection, analysis: this.#analysis, index: this.#index,
      context: () => this.#context(), refreshResults: () => this.#refreshResults(),
    });
    const progress = this.#client.workDoneProgress ? new RunProgress(connection, (run) => void this.#analysis.cancel(run)) : null;
    this.#analysis.onEvent((event) => this.#forward(event, progress));
  }

  #forward(event: RunEvent, progress: RunProgress | null): void {
    void this.#connection.sendNotification("lib/run", event);
    progress?.show(event);
    if (event.kind === "done") void this.#refreshResults();
    if (event.kind === "failed") this.#connection.console.error(event.message);
    if (event.kind === "note") this.#connection.console.info(event.message);
  }

  async #refreshResults(): Promise<void> {
    const changed = await this.#results.refresh(this.#resultFolders());
    if (!changed) return;
    void this.#connection.sendNotification("lib/resultsChanged", {});
    this.publish();
  }

  /** Results lie beside specs and models, or in the workspace folders. */
  #resultFolders(): string[] {
    const { snapshot } = this.#index;
    const specs = [...snapshot.parts.references].filter(([, references]) => references.some((reference) => reference.fromSpec)).map(([uri]) => pathOf(uri) ?? "");
    const files = [...specs.filter(Boolean), ...snapshot.parts.modelFiles];
    return [...new Set([...this.#index.folders, ...files.map((file) => dirname(file))])];
  }

  #context(): LanguageContext {
    return {
      snapshot: this.#index.snapshot, models: this.#models, results: this.#results,
      client: this.#client, settings: this.#settings(), now: Date.now(),
    };
  }

  /** A closed document keeps no diagnostics, and nobody waits for its lenses. */
  #clear(clientUri: string): void {
    this.#lenses?.closed(clientUri);
    if (this.#published.delete(clientUri)) void this.#connection.sendDiagnostics({ uri: clientUri, diagnostics: [] });
  }
}

function foldersOf(params: InitializeParams): string[] {
  // Clients from before workspace folders name one root.
  const uris = params.workspaceFolders?.map((folder) => folder.uri) ?? (params.rootUri ? [params.rootUri] : []);
  return uris.flatMap((uri) => pathOf(uri) ?? []);
}
