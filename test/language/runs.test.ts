import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CancellationTokenSource } from "vscode-languageserver-protocol/node";
import type { RunEvent } from "../../server/src/protocol/events";
import { readLabels, writeLabels } from "../../server/src/analysis/store/labelsFile";
import { writeCheckpoint } from "./checkpoints";
import { Client, Workspace, buildServer } from "./client";

const script = `import torch
from torch import nn
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 12)
        self.fc2 = nn.Linear(12, 3)
state = torch.load("mlp.safetensors")
`;
const spec = JSON.stringify({
  model: "mlp.safetensors", architecture: { family: "mlp", activation: "relu" }, data: { kind: "npy", inputs: "x.npy" },
});

/** An array in NumPy's format. */
function npy(type: "<f4" | "<i4", shape: string, values: Float32Array | Int32Array): Uint8Array {
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = `${header}${" ".repeat(63 - ((10 + header.length) % 64))}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([start, Buffer.from(padded, "latin1"), Buffer.from(values.buffer)]);
}

const inputs = Float32Array.from({ length: 1800 }, (_, i) => Math.sin(i * i + 0.3));

/** Share of the variance of numbers that their signs explain. */
function shareOfSigns(values: readonly number[]): number {
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const middle = mean(values);
  const sides = [values.filter((value) => value > 0), values.filter((value) => value <= 0)];
  const between = sides.reduce((sum, side) => sum + side.length * (mean(side) - middle) ** 2, 0);
  return between / values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
}

describe("a run through the protocol", () => {
  let bundle = "";
  let workspace: Workspace;
  let client: Client;
  const events: RunEvent[] = [];
  const progress: { kind: string }[] = [];
  let modelLists = 0;

  beforeAll(async () => {
    bundle = await buildServer();
    workspace = await Workspace.create({ "train.py": script, "mlp.lib.json": spec, "x.npy": npy("<f4", "300, 6", inputs) });
    await writeCheckpoint(workspace.path("mlp.safetensors"), { "fc1.weight": [12, 6], "fc1.bias": [12], "fc2.weight": [3, 12], "fc2.bias": [3] });
    client = await Client.start(bundle, { folder: workspace.folder, capabilities: { window: { workDoneProgress: true }, textDocument: { hover: { contentFormat: ["plaintext"] } } } });
    client.connection.onNotification("lib/run", (event: RunEvent) => { events.push(event); });
    client.connection.onNotification("lib/modelsChanged", () => { modelLists += 1; });
    client.connection.onRequest("window/workDoneProgress/create", () => null);
    client.connection.onNotification("$/progress", ({ value }: { value: { kind: string } }) => { progress.push(value); });
    await client.connection.sendNotification("workspace/didChangeConfiguration", { settings: { libLens: { backend: "cpu" } } });
    await client.open(workspace.uri("train.py"), script);
  });
  afterAll(async () => {
    await client.stop();
    await workspace.remove();
    await rm(bundle, { recursive: true, force: true });
  });

  const ended = (run: string): Promise<RunEvent> => client.eventually(
    () => events.find((event) => event.run === run && ["done", "failed", "cancelled"].includes(event.kind)), "the end of the run");

  it("says when the list of models is another one: a client may ask before the first scan", async () => {
    await client.eventually(() => modelLists > 0, "a list of models");
    const names = async (): Promise<(string | null)[]> => (await client.request("lib/models", {})).map(({ text }) => text);
    expect(await names()).toContain("mlp.safetensors");
    const before = modelLists;
    await writeCheckpoint(workspace.path("other.safetensors"), { "fc1.weight": [12, 6] });
    // What a run keeps while it goes on is no model of the workspace.
    await workspace.write(".lib-lens/unfinished/layer-0.safetensors", "");
    await client.connection.sendNotification("workspace/didChangeWatchedFiles", {
      changes: [".lib-lens/unfinished/layer-0.safetensors", "other.safetensors"].map((name) => ({ uri: workspace.uri(name), type: 1 })),
    });
    await client.eventually(() => modelLists > before, "another list of models");
    expect((await names()).sort()).toEqual(["mlp.safetensors", "other.safetensors"]);
  });

  it("streams its layers, shows progress, and fills the hover in", async () => {
    expect(await client.hover(workspace.uri("train.py"), { line: 5, character: 20 })).not.toContain("LIB at node layer");
    const { run } = await client.request("lib/analyze", { spec: workspace.uri("mlp.lib.json") });
    const end = await ended(run);
    expect(end).toMatchObject({ kind: "done", cached: false });
    const kinds = events.filter((event) => event.run === run).map((event) => event.kind);
    expect(kinds).toContain("started");
    expect(kinds.filter((kind) => kind === "layer").length).toBeGreaterThanOrEqual(2);
    await client.eventually(() => progress.at(-1)?.kind === "end", "the end of the progress");
    expect(progress[0]?.kind).toBe("begin");

    const results = await client.request("lib/results", {});
    expect(results).toHaveLength(1);
    const text = await client.hover(workspace.uri("train.py"), { line: 5, character: 20 });
    expect(text).toContain("LIB at node layer layers.0 (the input of this layer)");
    expect(text).toMatch(/\d+ of 7 features kept/);
    expect((await client.request("lib/runs", {})).map((one) => one.run)).toContain(run);
    const matrix = await client.request("lib/matrix", { uri: results[0]?.uri ?? "", tensor: "edges/0" });
    expect(Buffer.from(matrix?.float32 ?? "", "base64").length).toBe(4 * (matrix?.rows ?? 0) * (matrix?.cols ?? 0));
    expect(await client.request("lib/matrix", { uri: results[0]?.uri ?? "", tensor: "nothing" })).toBeNull();
  });

  it("tells what the features respond to, the modules in two bases, and the modules of the model", async () => {
    await workspace.write("y.npy", npy("<i4", "300,", Int32Array.from({ length: 300 }, (_, k) => (inputs[6 * k]! > 0 ? 2 : 0))));
    await workspace.write("labelled.lib.json", JSON.stringify({ ...JSON.parse(spec) as object, data: { kind: "npy", inputs: "x.npy", labels: "y.npy" } }));
    const { run } = await client.request("lib/analyze", { spec: workspace.uri("labelled.lib.json") });
    const end = await ended(run);
    if (end.kind !== "done") throw new Error(JSON.stringify(end));
    const uri = pathToFileURL(end.file).href;
    const { layers } = await client.request("lib/result", { uri });
    const found = await client.request("lib/labels", { uri, basis: "lib" });
    expect(found.kind).toBe("class");
    expect(found.layers.map(({ name, labels }) => [name, labels.length])).toEqual(layers.filter(({ kept }) => kept > 0).map(({ name, kept }) => [name, kept]));
    const { explained, profile } = found.layers[0]!;
    expect(explained[0]).toBe(0);
    // The classes are the signs of the first input. Uncorrelated features share what a direction can tell of them: together at least what that input tells.
    // Kept in a file beside the spec of this result, from where result and hover take them; what a person writes there goes before.
    const file = workspace.path("labelled.labels.csv");
    expect(found).toMatchObject({ kept: pathToFileURL(file).href });
    const shown = async (): Promise<(string | null)[] | undefined> => (await client.request("lib/result", { uri })).layers[0]!.labels;
    expect(await shown()).toEqual(found.layers[0]!.labels);
    await writeLabels(file, (await readLabels(file)).map((row) => (row.feature === 1 ? { ...row, label: "wheels" } : row)));
    expect((await client.request("lib/labels", { uri, basis: "lib" })).layers[0]!.labels[1]).toBe(found.layers[0]!.labels[1]);
    expect((await shown())![1]).toBe("wheels");
    expect((await shown())![2]).toBe(found.layers[0]!.labels[2]);
    await writeFile(file, "something else\n");
    expect(await client.request("lib/labels", { uri, basis: "lib" })).toMatchObject({ layers: found.layers, notKept: expect.stringMatching(/^The labels are not kept: .*labelled\.labels\.csv, line 1: /) as string });
    await rm(file);
    const pca = await client.request("lib/labels", { uri, basis: "pca" });
    expect([pca.kept, existsSync(file)]).toEqual([undefined, false]);
    // The whole answers are kept beside the result, for who asks later.
    expect(await client.request("lib/foundLabels", { uri })).toEqual([{ basis: "lib", labels: { kind: found.kind, layers: found.layers } }, { basis: "pca", labels: pca }]);
    expect(pca.layers[0]!.explained.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(shareOfSigns(Array.from({ length: 300 }, (_, k) => inputs[6 * k]!)) - 1e-3);
    for (const groups of profile!) {
      expect(groups.map(({ group }) => group)).toEqual([0, 2]);
      expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(300);
    }
    await expect(client.request("lib/labels", { uri, basis: "lib", kind: "token" })).rejects.toMatchObject({ code: -32803, message: expect.stringContaining("no tokens") as string });
    const source = new CancellationTokenSource();
    const cancelled = client.connection.sendRequest("lib/labels", { uri, basis: "pca" }, source.token);
    source.cancel();
    await expect(cancelled).rejects.toMatchObject({ code: -32800 });

    for (const [basis, width] of [["lib", "kept"], ["pca", "gramRank"]] as const) {
      const modules = await client.request("lib/modules", { uri, resolution: 1, basis });
      expect(modules.layers.map(({ length }) => length)).toEqual(layers.map((layer) => (layer.kept > 0 ? layer[width] : 0)));
    }
    await expect(client.connection.sendRequest("lib/modules", { uri, resolution: 1, basis: "neuron" })).rejects.toMatchObject({ code: -32602 });
    const { modules } = await client.request("lib/architecture", { uri });
    expect(modules[0]).toBe(layers[0]!.name);
    for (const { name } of layers) expect(modules).toContain(name);
  });

  it("answers a second run from the store", async () => {
    const asked = performance.now();
    const { run } = await client.request("lib/analyze", { spec: workspace.uri("mlp.lib.json") });
    expect(await ended(run)).toMatchObject({ kind: "done", cached: true });
    console.log(`answered from the store: ${Math.round(performance.now() - asked)} ms`);
  });

  it("ends a cancelled run with one event and keeps the stored result", async () => {
    const { run } = await client.request("lib/analyze", { spec: workspace.uri("mlp.lib.json"), force: true });
    expect(await client.request("lib/cancel", { run })).toEqual({ cancelled: true });
    expect(await ended(run)).toMatchObject({ kind: "cancelled" });
    expect(await client.request("lib/cancel", { run })).toEqual({ cancelled: false });
    expect(await client.request("lib/results", {})).toHaveLength(2);
  });

  it("says in one sentence why a run failed", async () => {
    await workspace.write("bad.lib.json", JSON.stringify({ ...JSON.parse(spec), model: "gone.safetensors" }));
    const { run } = await client.request("lib/analyze", { spec: workspace.uri("bad.lib.json") });
    const end = await ended(run);
    expect(end.kind === "failed" && end.message).toContain("gone.safetensors");
  });

  it("gives the text of a spec without writing it", async () => {
    const { uri, text } = await client.request("lib/createSpec", { model: workspace.uri("mlp.safetensors") });
    expect(uri).toMatch(/\.lib\.json$/);
    expect(text).toContain('"model"');
  });
});
