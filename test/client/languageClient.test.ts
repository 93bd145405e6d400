/** @file The protocol as the extension speaks it: through VS Code's own language client, over both of its ways to the built server. */

import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationTokenSource } from "vscode-languageserver-protocol/node";
import type { LensServer } from "../../client/src/languageClient";
import type { RunEvent } from "../../server/src/protocol/events";
import type { Requests } from "../../server/src/protocol/requests";
import { longAnalysis, tinyAnalysis } from "../analysis/fixtures";
import { buildServer } from "../language/client";

const root = resolve(import.meta.dirname, "../..");

/** What a client of the tests can do; the extension's own class and the plain language client alike. */
interface Spoken extends Pick<LensServer, "request"> {
  start(): Promise<void>;
  onRun(listener: (event: RunEvent) => void): { dispose(): void };
  stop(): Promise<void>;
}

interface PlainClient {
  start(): Promise<void>;
  stop(): Promise<void>;
  sendRequest(method: string, ...parameters: unknown[]): Promise<never>;
  onNotification(method: string, listener: (parameters: never) => void): { dispose(): void };
}

/** The extension's client and VS Code's, bundled against the editor of the tests. */
interface Bundled {
  LensClient: new (context: { asAbsolutePath(path: string): string }) => LensServer & { start(): Promise<void>; dispose(): void };
  LanguageClient: new (id: string, name: string, server: object, options: object) => PlainClient;
  TransportKind: { stdio: number };
}

async function bundleClient(into: string, folder: string): Promise<Bundled> {
  const outfile = join(into, "client.cjs");
  await esbuild.build({
    stdin: {
      contents: `export { LensClient } from "./client/src/languageClient"; export { LanguageClient, TransportKind } from "vscode-languageclient/node";`,
      resolveDir: root, loader: "ts",
    },
    bundle: true, platform: "node", format: "cjs", target: "node20", outfile, logLevel: "error",
    plugins: [{
      name: "editor-of-the-tests",
      setup(build) {
        build.onResolve({ filter: /^vscode$/ }, () => ({ path: "vscode", namespace: "editor" }));
        build.onLoad({ filter: /.*/, namespace: "editor" }, () => ({
          contents: `module.exports = require("./test/client/editorApi").editorApi(${JSON.stringify(folder)});`, resolveDir: root,
        }));
      },
    }],
  });
  return createRequire(import.meta.url)(outfile) as Bundled;
}

let bundle: string;
let tiny: Awaited<ReturnType<typeof tinyAnalysis>>;
let long: Awaited<ReturnType<typeof longAnalysis>>;
let bundled: Bundled;

beforeAll(async () => {
  bundle = await buildServer();
  tiny = await tinyAnalysis();
  long = await longAnalysis();
  bundled = await bundleClient(bundle, tiny.folder);
});
afterAll(async () => {
  for (const folder of [bundle, tiny.folder, long.folder]) await rm(folder, { recursive: true, force: true });
});

/** As the extension starts it: a child process of Node with messages over IPC. */
function extensionClient(): Spoken {
  const client = new bundled.LensClient({ asAbsolutePath: () => join(bundle, "server.js") });
  return {
    request: (method, params, token) => client.request(method, params, token),
    onRun: (listener) => client.onRun(listener),
    start: () => client.start(),
    stop: () => Promise.resolve(client.dispose()),
  };
}

/** As other editors start it. */
function standardClient(): Spoken {
  const server = { command: process.execPath, args: [join(bundle, "server.js")], transport: bundled.TransportKind.stdio };
  const client = new bundled.LanguageClient("libLens", "LIB Lens", server, { initializationOptions: { trusted: true } });
  return {
    request: (method, params, token) => (token === undefined ? client.sendRequest(method, params) : client.sendRequest(method, params, token)),
    onRun: (listener) => client.onNotification("lib/run", listener as (event: never) => void),
    start: () => client.start(),
    stop: () => client.stop(),
  };
}

describe.each([["the extension's client over IPC", extensionClient], ["VS Code's client over standard input and output", standardClient]] as const)("%s", (_name, make) => {
  let client: Spoken;
  const events: RunEvent[] = [];
  let result = "";

  beforeAll(async () => {
    client = make();
    client.onRun((event) => { events.push(event); });
    await client.start();
  });
  afterAll(() => client.stop());

  const eventOf = async (run: string, ...kinds: RunEvent["kind"][]): Promise<RunEvent> => {
    const found = (): RunEvent | undefined => events.find((event) => event.run === run && kinds.includes(event.kind));
    await expect.poll(found, { timeout: 60_000, interval: 20 }).toBeDefined();
    return found()!;
  };
  const analyze = async (spec: string): Promise<string> => (await client.request("lib/analyze", { spec: pathToFileURL(spec).href, force: true })).run;
  const labels = (): Requests["lib/labels"]["params"] => ({ uri: result, basis: "pca", kind: "class" });

  it("answers requests that are sent with and without a token", async () => {
    // The first scan of the workspace may still go on.
    await expect.poll(async () => (await client.request("lib/models", {})).map(({ text }) => text), { timeout: 30_000 }).toContain("model.safetensors");
    const token = new CancellationTokenSource().token;
    expect(await client.request("lib/models", {}, token as never)).toEqual(await client.request("lib/models", {}));
  });

  it("gives an analysis as it is computed, and its result", async () => {
    const done = await eventOf(await analyze(tiny.spec), "done", "failed");
    if (done.kind !== "done") throw new Error(JSON.stringify(done));
    result = pathToFileURL(done.file).href;
    expect(events.filter(({ run, kind }) => run === done.run && kind === "layer").length).toBeGreaterThan(1);
    const { key, layers } = await client.request("lib/result", { uri: result });
    expect([key, layers.at(0)!.name]).toEqual([done.key, "layers.0"]);
    expect((await client.request("lib/edges", { uri: result, section: 0 }))!.weight.length).toBeGreaterThan(0);
  });

  it("cancels an analysis that is under way, and says so once", async () => {
    const run = await analyze(long.spec);
    await eventOf(run, "phase");
    expect(await client.request("lib/cancel", { run })).toEqual({ cancelled: true });
    await eventOf(run, "cancelled");
    expect(events.filter((event) => event.run === run && ["done", "failed", "cancelled"].includes(event.kind))).toHaveLength(1);
  });

  it("ends a request that is under way when its token is cancelled, and answers the next one", async () => {
    const source = new CancellationTokenSource();
    const asked = client.request("lib/labels", labels(), source.token as never).then(() => "answered", (error: { code?: number }) => error.code);
    setTimeout(() => source.cancel(), 20);
    expect(await asked).toBe(-32800);
    const { kind, layers } = await client.request("lib/labels", labels(), new CancellationTokenSource().token as never);
    expect([kind, layers.map(({ name }) => name)]).toEqual(["class", ["layers.0", "layers.1", "layers.2"]]);
  });

  it("refuses wrong parameters with their code and a sentence that names the field", async () => {
    await expect(client.request("lib/edges", { uri: result, section: -1 })).rejects.toMatchObject({ code: -32602, message: expect.stringContaining("section") as string });
    await expect(client.request("lib/result", { uri: pathToFileURL(tiny.spec).href })).rejects.toMatchObject({ code: -32803 });
  });
});
