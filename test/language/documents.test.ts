import { fork } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { IPCMessageReader, IPCMessageWriter, type InitializeResult, createProtocolConnection } from "vscode-languageserver-protocol/node";
import { writeCheckpoint } from "./checkpoints";
import { Client, Workspace, buildServer } from "./client";

let bundle = "";
beforeAll(async () => {
  bundle = await buildServer();
});
afterAll(() => rm(bundle, { recursive: true, force: true }));

const shapes = { "fc.weight": [2, 4], "fc.bias": [2] };

it("reports mistakes of a spec at their place, links its files and warns when its model is missing", async () => {
  const text = '{\n  // which model\n  "model": "gone.safetensors",\n  "data": { "kind": "npz", "inputs": "x.npz" },\n  "bassis": {}\n}';
  const workspace = await Workspace.create({ "a.lib.json": text, "x.npz": "" });
  const client = await Client.start(bundle, { folder: workspace.folder });
  const uri = workspace.uri("a.lib.json");
  await client.open(uri, text, "jsonc");
  const found = await client.eventually(() => client.diagnostics.get(uri), "diagnostics");
  const spec = found.find((diagnostic) => diagnostic.code === "spec");
  expect(spec).toMatchObject({ severity: 1, range: { start: { line: 4 } } });
  expect(spec?.message).toContain('did you mean "basis"');
  expect(found.find((diagnostic) => diagnostic.code === "missing-model")).toMatchObject({ severity: 2, range: { start: { line: 2, character: 11 } } });
  expect((await client.links(uri)).map((link) => link.target)).toEqual([workspace.uri("x.npz")]);

  await writeCheckpoint(workspace.path("gone.safetensors"), shapes);
  await client.connection.sendNotification("workspace/didChangeWatchedFiles", { changes: [{ uri: workspace.uri("gone.safetensors"), type: 1 }] });
  await client.eventually(() => client.diagnostics.get(uri)?.every((diagnostic) => diagnostic.code === "spec"), "the model being found");
  const [model] = await client.request("lib/models", {});
  expect(model).toMatchObject({ model: workspace.uri("gone.safetensors"), spec: uri, source: { uri, line: 2 } });
  await client.stop();
  await workspace.remove();
});

it("says when a file that code loads is no model", async () => {
  const text = 'import torch\ntorch.load("broken.pt")\n';
  const workspace = await Workspace.create({ "train.py": text, "broken.pt": "no model at all" });
  const client = await Client.start(bundle, { folder: workspace.folder });
  await client.open(workspace.uri("train.py"), text);
  const found = await client.eventually(() => client.diagnostics.get(workspace.uri("train.py")), "diagnostics");
  expect(found).toMatchObject([{ code: "unreadable-model", severity: 3, range: { start: { line: 1, character: 11 } } }]);
  await client.stop();
  await workspace.remove();
});

it("answers in the cells of an open notebook, across cells, and forgets a removed cell", async () => {
  const cells = [
    "%matplotlib inline\nimport torch\nfrom torch import nn",
    "class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(4, 3)",
    'state = torch.load("m.safetensors")',
  ];
  const workspace = await Workspace.create({});
  await writeCheckpoint(workspace.path("m.safetensors"), shapes);
  const client = await Client.start(bundle, { folder: workspace.folder });
  const uri = (i: number): string => workspace.uri("n.ipynb").replace("file:", "vscode-notebook-cell:") + `#cell${i}`;
  const notebook = {
    uri: workspace.uri("n.ipynb"), notebookType: "jupyter-notebook", version: 1,
    cells: cells.map((_, i) => ({ kind: 2, document: uri(i) })),
  };
  await client.connection.sendNotification("notebookDocument/didOpen", {
    notebookDocument: notebook, cellTextDocuments: cells.map((text, i) => ({ uri: uri(i), languageId: "python", version: 1, text })),
  });
  expect(await client.hover(uri(1), { line: 2, character: 20 })).toContain("`fc.weight`");
  expect(await client.links(uri(2))).toMatchObject([{ range: { start: { line: 0, character: 19 } }, target: workspace.uri("m.safetensors") }]);
  const found = await client.eventually(() => client.diagnostics.get(uri(1)), "diagnostics of the cell");
  expect(found).toMatchObject([{ code: "shape", range: { start: { line: 2, character: 18 } } }]);

  await client.connection.sendNotification("notebookDocument/didChange", {
    notebookDocument: { uri: notebook.uri, version: 2 },
    change: { cells: { structure: { array: { start: 1, deleteCount: 1, cells: [] }, didClose: [{ uri: uri(1) }] } } },
  });
  await client.eventually(() => client.diagnostics.get(uri(1))?.length === 0, "empty diagnostics of the removed cell");
  await client.stop();
  await workspace.remove();
});

it("takes the folder of the first document for the workspace when the client names none", async () => {
  const text = "import torch\nfrom torch import nn\nmodel = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))\ntorch.load('m.safetensors')\n";
  const workspace = await Workspace.create({ "train.py": text });
  await writeCheckpoint(workspace.path("m.safetensors"), { "1.weight": [2, 4], "1.bias": [2] });
  const client = await Client.start(bundle, {});
  await client.open(workspace.uri("train.py"), text);
  expect(await client.hover(workspace.uri("train.py"), { line: 2, character: 38 })).toContain("`1.weight`");
  await client.stop();
  await workspace.remove();
});

it("speaks Node IPC, as VS Code starts it", async () => {
  const child = fork(join(bundle, "server.js"), ["--node-ipc"], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  let output = "";
  child.stdout?.on("data", (part: Buffer) => { output += part.toString(); });
  const connection = createProtocolConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
  connection.listen();
  const { capabilities } = await connection.sendRequest<InitializeResult>("initialize", { processId: process.pid, rootUri: null, workspaceFolders: null, capabilities: {} });
  expect(capabilities.hoverProvider).toBe(true);
  const exited = new Promise((done) => child.once("exit", done));
  await connection.sendRequest("shutdown");
  await connection.sendNotification("exit");
  expect(await exited).toBe(0);
  connection.dispose();
  expect(output).toBe("");
});
