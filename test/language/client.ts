/** @file A real language client over standard input and output, against the bundled server. */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type Diagnostic, type DocumentLink, type Hover, type InitializeResult, type MarkupContent, type Position, type ProtocolConnection,
  StreamMessageReader, StreamMessageWriter, createProtocolConnection,
} from "vscode-languageserver-protocol/node";
import * as esbuild from "esbuild";
import { schemaValidators } from "../../scripts/shared/schemaValidator.mjs";
import type { InitializationOptions, Requests } from "../../server/src/protocol/requests";

const require = createRequire(import.meta.url);
const root = resolve(import.meta.dirname, "../..");

/** Builds what the server needs into a folder of its own, so that tests of different rooms do not disturb each other. */
export async function buildServer(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "lib-lens-server-"));
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      ...Object.fromEntries(["server", "worker", "workspaceWorker"].map((name) => [name, `server/src/${name}.ts`])),
      probe: "server/src/engine/probe.ts",
    },
    outdir: folder, bundle: true, platform: "node", format: "cjs", target: "node20", logLevel: "error",
    mainFields: ["module", "main"],
    loader: { ".wasm": "binary" },
    plugins: [schemaValidators],
    external: ["onnxruntime-node", "webgpu", "@tensorflow/tfjs-node", "@tensorflow/tfjs-node-gpu"],
    alias: { "web-tree-sitter": join(root, "node_modules/web-tree-sitter/web-tree-sitter.cjs") },
  });
  await mkdir(join(folder, "wasm"));
  for (const file of ["web-tree-sitter/web-tree-sitter.wasm", "tree-sitter-python/tree-sitter-python.wasm", "tree-sitter-typescript/tree-sitter-tsx.wasm"]) {
    await copyFile(require.resolve(file), join(folder, "wasm", file.slice(file.lastIndexOf("/") + 1)));
  }
  return folder;
}

/** A workspace in a temporary folder. */
export class Workspace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(files: Record<string, string | Uint8Array>): Promise<Workspace> {
    const workspace = new Workspace(await mkdtemp(join(tmpdir(), "lib-lens-workspace-")));
    for (const [name, content] of Object.entries(files)) await workspace.write(name, content);
    return workspace;
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    const path = this.path(name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  uri(name: string): string {
    return pathToFileURL(this.path(name)).href;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface ClientOptions {
  folder?: string | null;
  options?: InitializationOptions;
  capabilities?: object;
  /** Further variables of the server's environment. */
  env?: Record<string, string>;
}

export class Client {
  readonly connection: ProtocolConnection;
  readonly initialized: InitializeResult;
  readonly diagnostics = new Map<string, Diagnostic[]>();
  readonly #process: ChildProcess;
  readonly errors: () => string;

  private constructor(process: ChildProcess, connection: ProtocolConnection, initialized: InitializeResult, errors: () => string) {
    this.#process = process;
    this.connection = connection;
    this.initialized = initialized;
    this.errors = errors;
  }

  static async start(bundleFolder: string, { folder = null, options, capabilities = {}, env = {} }: ClientOptions): Promise<Client> {
    const child = spawn(process.execPath, [join(bundleFolder, "server.js"), "--stdio"], { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
    let errors = "";
    child.stderr.on("data", (part: Buffer) => { errors += part.toString(); });
    const connection = createProtocolConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
    connection.listen();
    const uri = folder === null ? null : pathToFileURL(folder).href;
    const initialized = await connection.sendRequest<InitializeResult>("initialize", {
      processId: process.pid, rootUri: uri, workspaceFolders: uri === null ? null : [{ uri, name: "workspace" }],
      capabilities: { textDocument: { hover: { contentFormat: ["markdown", "plaintext"] } }, ...capabilities },
      initializationOptions: options,
    });
    const client = new Client(child, connection, initialized, () => errors);
    connection.onNotification("textDocument/publishDiagnostics", (sent: { uri: string; diagnostics: Diagnostic[] }) => {
      client.diagnostics.set(sent.uri, sent.diagnostics);
    });
    await connection.sendNotification("initialized", {});
    return client;
  }

  open(uri: string, text: string, languageId = "python"): Promise<void> {
    return this.connection.sendNotification("textDocument/didOpen", { textDocument: { uri, languageId, version: 1, text } });
  }

  change(uri: string, text: string, version: number): Promise<void> {
    return this.connection.sendNotification("textDocument/didChange", { textDocument: { uri, version }, contentChanges: [{ text }] });
  }

  /** Text of the hover; empty when there is none. */
  async hover(uri: string, position: Position): Promise<string> {
    const hover = await this.connection.sendRequest<Hover | null>("textDocument/hover", { textDocument: { uri }, position });
    return hover ? (hover.contents as MarkupContent).value : "";
  }

  links(uri: string): Promise<DocumentLink[]> {
    return this.connection.sendRequest("textDocument/documentLink", { textDocument: { uri } });
  }

  request<M extends keyof Requests>(method: M, params: Requests[M]["params"]): Promise<Requests[M]["result"]> {
    return this.connection.sendRequest(method, params);
  }

  /** Polls until `check` gives a value: the server publishes when it is ready. */
  async eventually<T>(check: () => T | undefined | false, what: string): Promise<T> {
    for (let i = 0; i < 400; i++) {
      const value = check();
      if (value) return value;
      await new Promise((resume) => setTimeout(resume, 25));
    }
    throw new Error(`${what} did not happen. Server log:\n${this.errors()}`);
  }

  async stop(): Promise<number | null> {
    const exited = new Promise<number | null>((done) => this.#process.once("exit", (code) => done(code)));
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
    const code = await exited;
    this.connection.dispose();
    return code;
  }
}
