import { rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CodeLens } from "vscode-languageserver-protocol";
import { readResult } from "../../client/src/readResult";
import { marked } from "../workspace/support";
import { writeCheckpoint } from "./checkpoints";
import { Client, Workspace, buildServer } from "./client";
import { fixtureMetadata, writeResult } from "./fixtureResult";

const script = marked(`import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = «fc1»nn.Linear(6, 12)
        self.fc2 = «fc2»nn.Linear(12, 3)


state = torch.load(«path»"mlp.safetensors")
`);
const shapes = { "fc1.weight": [12, 6], "fc1.bias": [12], "fc2.weight": [3, 12], "fc2.bias": [3] };
const inTheFuture = new Date(Date.now() + 3_600_000).toISOString();

let bundle = "";
beforeAll(async () => {
  bundle = await buildServer();
});
afterAll(() => rm(bundle, { recursive: true, force: true }));

async function prepare(): Promise<{ workspace: Workspace; result: string; uri: string }> {
  const workspace = await Workspace.create({ "train.py": script.text });
  await writeCheckpoint(workspace.path("mlp.safetensors"), shapes);
  const result = workspace.path(".lib-lens/0123456789abcdef.libresult");
  return { workspace, result, uri: workspace.uri("train.py") };
}

describe("hover with a stored result", () => {
  it("shows kept features, importance and partners as text for a client that says nothing about itself", async () => {
    const { workspace, result, uri } = await prepare();
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture));
    const client = await Client.start(bundle, { folder: workspace.folder });
    await client.open(uri, script.text);
    await client.hover(uri, script.at("fc1"));
    const results = await client.request("lib/results", {});
    expect(results.map((one) => one.uri)).toEqual([workspace.uri(".lib-lens/0123456789abcdef.libresult")]);

    const first = await client.hover(uri, script.at("fc1"));
    expect(first).toContain("**LIB** at node layer `layers.0` (the input of this layer)");
    expect(first).toContain("**4 of 7 features kept**");
    expect(first).toContain("| 1 | 8 | 80 % | 2 (5), 1 (2) |");
    expect(first).toContain("strongest partners in `layers.1`");
    expect(first).toMatch(/Λ [▁▂▃▄▅▆▇█]{3}/u);
    expect(first).toContain("500 samples · accuracy 0.970 · float32 · wasm · key `0123456789ab`");
    expect(first).not.toMatch(/command:|data:image/);
    expect(await client.hover(uri, script.at("fc2"))).toContain("**3 of 13 features kept**; 2 keep the accuracy");
    // Of a layer where nothing was counted, nothing is said.
    expect(first).not.toContain("keep the accuracy");
    await client.stop();
    await workspace.remove();
  });

  it("shows the labels of a file beside the spec, and what is changed in it", async () => {
    const { workspace, result, uri } = await prepare();
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture));
    const rows = (label: string): string => `layer,feature,label,computed,result\nlayers.0,1,${label},71% class|high 3,0123456789ab\nlayers.0,2,,other result,ba9876543210\n`;
    await writeFile(workspace.path("mlp.labels.csv"), rows(""));
    const client = await Client.start(bundle, { folder: workspace.folder });
    await client.open(uri, script.text);
    await client.hover(uri, script.at("fc1"));
    await client.request("lib/results", {});
    const text = await client.hover(uri, script.at("fc1"));
    expect(text).toContain("| 1 | `71% class` | 8 | 80 % |");
    expect(text).not.toContain("other result");
    await writeFile(workspace.path("mlp.labels.csv"), rows("wheels"));
    const again = await client.request("lib/result", { uri: workspace.uri(".lib-lens/0123456789abcdef.libresult") });
    expect(again.layers[0]!.labels).toEqual([null, "wheels", null, null]);
    await client.stop();
    await workspace.remove();
  });

  it("adds links and a picture where the client draws them, and a lens that opens the graph", async () => {
    const { workspace, result, uri } = await prepare();
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture));
    const client = await Client.start(bundle, { folder: workspace.folder, options: { commandLinks: true, hoverImages: true } });
    await client.open(uri, script.text);
    await client.request("lib/models", {});
    await client.request("lib/results", {});
    const text = await client.hover(uri, script.at("fc1"));
    expect(text).toMatch(/!\[[^\]]+\]\(data:image\/svg\+xml;base64,[\w+/=]+\)/);
    const [, argument = ""] = /\[Graph\]\(command:libLens\.openGraph\?([^)]+)\)/.exec(text) ?? [];
    expect(JSON.parse(decodeURIComponent(argument))).toEqual([{ uri: workspace.uri(".lib-lens/0123456789abcdef.libresult"), layer: "layers.0" }]);
    const lenses = await client.connection.sendRequest<CodeLens[]>("textDocument/codeLens", { textDocument: { uri } });
    expect(lenses.map((lens) => lens.command?.command)).toEqual(["libLens.openGraph"]);
    await client.stop();
    await workspace.remove();
  });

  it("finds the result that appears while the server runs, and says when it is older than the model", async () => {
    const { workspace, result, uri } = await prepare();
    const client = await Client.start(bundle, { folder: workspace.folder });
    await client.open(uri, script.text);
    expect(await client.hover(uri, script.at("fc1"))).not.toContain("LIB");
    let told = false;
    client.connection.onNotification("lib/resultsChanged", () => { told = true; });
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), "2020-01-01T00:00:00.000Z"));
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", { changes: [{ uri: workspace.uri(".lib-lens/0123456789abcdef.libresult"), type: 1 }] });
    await client.eventually(() => told, "lib/resultsChanged");
    expect(await client.hover(uri, script.at("fc1"))).toContain("The model file has changed since");
    await client.stop();
    await workspace.remove();
  });

  it("asks a client again that did not fetch its lenses when a result appeared", async () => {
    const { workspace, result, uri } = await prepare();
    const client = await Client.start(bundle, { folder: workspace.folder, options: { commandLinks: true }, capabilities: { workspace: { codeLens: { refreshSupport: true } } } });
    let asked = 0;
    client.connection.onRequest("workspace/codeLens/refresh", () => { asked += 1; return null; });
    let before: number | null = null;
    client.connection.onNotification("lib/resultsChanged", () => { before = asked; });
    const commands = async (): Promise<(string | undefined)[]> => {
      const lenses = await client.connection.sendRequest<CodeLens[]>("textDocument/codeLens", { textDocument: { uri } });
      return lenses.map((lens) => lens.command?.command);
    };
    await client.open(uri, script.text);
    await client.request("lib/models", {});
    expect(await commands()).toEqual(["libLens.analyzeModel"]);
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture));
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", { changes: [{ uri: workspace.uri(".lib-lens/0123456789abcdef.libresult"), type: 1 }] });
    // VS Code drops the first request when its editor loses the focus right afterwards.
    await client.eventually(() => before !== null && asked >= before + 2, "a second request");
    expect(await commands()).toEqual(["libLens.openGraph"]);
    await client.stop();
    await workspace.remove();
  });

  it("gives a view the whole result, the edges section by section, and a list without either", async () => {
    const { workspace, result } = await prepare();
    const metadata = fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture);
    await writeResult(result, metadata);
    const client = await Client.start(bundle, { folder: workspace.folder });
    const uri = workspace.uri(".lib-lens/0123456789abcdef.libresult");
    const whole = await readResult(client, uri);
    expect({ layers: whole.layers, sections: whole.sections, key: whole.key }).toEqual({ layers: metadata.layers, sections: metadata.sections, key: metadata.key });
    const [listed] = await client.request("lib/results", {});
    expect(JSON.stringify(listed)).not.toMatch(/"(edges|strongest|lambda|gramEigenvalues)"/);
    expect(listed!.metadata).toMatchObject({ key: metadata.key, model: metadata.model, samples: metadata.samples });
    expect(await client.request("lib/edges", { uri, section: 2 })).toBeNull();
    await expect(client.request("lib/edges", { uri, section: -1 })).rejects.toThrow("\"section\" must be a whole number from 0");
    await client.stop();
    await workspace.remove();
  });

  it("leads from a node layer back to its line", async () => {
    const { workspace, result, uri } = await prepare();
    await writeResult(result, fixtureMetadata(workspace.path("mlp.safetensors"), inTheFuture));
    const client = await Client.start(bundle, { folder: workspace.folder });
    await client.open(uri, script.text);
    const resultUri = workspace.uri(".lib-lens/0123456789abcdef.libresult");
    expect(await client.request("lib/layerSource", { uri: resultUri, layer: "layers.1" })).toEqual({ uri, ...script.at("fc2") });
    expect(await client.request("lib/layerSource", { uri: resultUri, layer: "output" })).toBeNull();
    expect((await client.request("lib/result", { uri: resultUri })).layers).toHaveLength(3);
    await client.stop();
    await workspace.remove();
  });
});

describe("settings", () => {
  it("switch every feature by itself", async () => {
    const { workspace, uri } = await prepare();
    const off = { hover: { enabled: false }, documentLinks: { enabled: false }, codeLens: { enabled: false }, diagnostics: { enabled: false } };
    const client = await Client.start(bundle, { folder: workspace.folder, options: { commandLinks: true } });
    const wrong = script.text.replace("nn.Linear(12, 3)", "nn.Linear(12, 4)");
    await client.open(uri, wrong);
    await client.eventually(() => (client.diagnostics.get(uri)?.length ?? 0) > 0, "diagnostics");
    const lenses = (): Promise<CodeLens[]> => client.connection.sendRequest("textDocument/codeLens", { textDocument: { uri } });
    expect(await lenses()).toHaveLength(1);
    await client.connection.sendNotification("workspace/didChangeConfiguration", { settings: { libLens: off } });
    await client.eventually(() => client.diagnostics.get(uri)?.length === 0, "no diagnostics");
    expect(await client.hover(uri, script.at("fc1"))).toBe("");
    expect(await client.links(uri)).toEqual([]);
    expect(await lenses()).toEqual([]);
    await client.connection.sendNotification("workspace/didChangeConfiguration", { settings: { libLens: { hover: { enabled: "yes" } } } });
    await client.eventually(() => (client.diagnostics.get(uri)?.length ?? 0) > 0, "diagnostics again");
    expect(await client.hover(uri, script.at("fc1"))).toContain("fc1.weight");
    await client.stop();
    await workspace.remove();
  });
});
