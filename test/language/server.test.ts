import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { marked } from "../workspace/support";
import { writeCheckpoint } from "./checkpoints";
import { Client, Workspace, buildServer } from "./client";

let bundle = "";
beforeAll(async () => {
  bundle = await buildServer();
});
afterAll(async () => {
  await rm(bundle, { recursive: true, force: true });
});

const training = marked(`import torch
from torch import nn
from pathlib import Path

OUT = Path("runs")


class MLP(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.fc1 = «fc1»nn.Linear(6, hidden)
        self.act = nn.ReLU()
        «fc2name»self.fc2 = «fc2»nn.Linear(hidden, 3)«fc2end»


def load():
    model = MLP()
    model.load_state_dict(torch.load(«path»OUT / "mlp.safetensors"))
    return torch.load("runs/«missing»missing.pt")
`);

describe("the server over stdio", () => {
  let workspace: Workspace;
  let client: Client;
  let uri = "";

  beforeAll(async () => {
    workspace = await Workspace.create({ "train.py": training.text, "runs/readme.txt": "" });
    await writeCheckpoint(workspace.path("runs/mlp.safetensors"), {
      "module.fc1.weight": [12, 6], "module.fc1.bias": [12], "module.fc2.weight": [3, 10], "module.fc2.bias": [3],
    });
    client = await Client.start(bundle, { folder: workspace.folder });
    uri = workspace.uri("train.py");
    await client.open(uri, training.text);
  });
  afterAll(async () => {
    expect(await client.stop()).toBe(0);
    await workspace.remove();
  });

  it("answers the first hover with the bound tensor, below the prefix of the wrapper", async () => {
    const text = await client.hover(uri, training.at("fc1"));
    expect(text).toContain("`module.fc1.weight`");
    expect(text).toContain("12 × 6");
    expect(text).toContain("float32");
    expect(text).toContain("84 parameters in `mlp.safetensors`");
    expect(text).not.toContain("command:");
  });

  it("shows the effective rank when it has been computed", async () => {
    await client.eventually(() => true, "start");
    let text = "";
    for (let i = 0; i < 100 && !/ of 6 \|/.test(text); i++) {
      text = await client.hover(uri, training.at("fc1"));
      await new Promise((resume) => setTimeout(resume, 20));
    }
    expect(text).toMatch(/\| \d+(\.\d+)? of 6 \|/);
  });

  it("takes the whole line of a layer for its hover", async () => {
    expect(await client.hover(uri, training.at("fc2name"))).toContain("`module.fc2.weight`");
  });

  it("reports the layer whose sizes disagree, and only that", async () => {
    const found = await client.eventually(() => client.diagnostics.get(uri), "diagnostics");
    const shapes = found.filter((diagnostic) => diagnostic.code === "shape");
    expect(shapes).toHaveLength(1);
    expect(shapes[0]?.message).toBe("fc2 is 12x3 in code, 10x3 in mlp.safetensors (tensor module.fc2.weight).");
    expect(shapes[0]?.range).toEqual({ start: training.at("fc2"), end: training.at("fc2end") });
  });

  it("hints at a model file that does not exist", async () => {
    const found = await client.eventually(() => client.diagnostics.get(uri), "diagnostics");
    const missing = found.filter((diagnostic) => diagnostic.code === "missing-model");
    expect(missing).toHaveLength(1);
    expect(missing[0]?.severity).toBe(4);
    expect(missing[0]?.range.start.line).toBe(training.at("missing").line);
  });

  it("links the path expression to the file", async () => {
    const links = await client.links(uri);
    expect(links.map((link) => link.target)).toEqual([workspace.uri("runs/mlp.safetensors")]);
    expect(links[0]?.range.start).toEqual(training.at("path"));
  });

  it("lists the models with where they are named", async () => {
    const models = await client.request("lib/models", {});
    expect(models).toContainEqual({
      model: workspace.uri("runs/mlp.safetensors"), text: "runs/mlp.safetensors", source: { uri, ...training.at("path") }, spec: null,
    });
    expect(models.some((model) => model.model === null && model.text === "runs/missing.pt")).toBe(true);
  });

  it("follows an edit", async () => {
    await client.change(uri, training.text.replace("nn.Linear(hidden, 3)", "nn.Linear(10, 3)"), 2);
    await client.eventually(() => client.diagnostics.get(uri)?.every((diagnostic) => diagnostic.code !== "shape"), "the disagreement going away");
    await client.change(uri, training.text, 3);
    await client.eventually(() => client.diagnostics.get(uri)?.some((diagnostic) => diagnostic.code === "shape"), "the disagreement coming back");
  });

  it("takes its diagnostics back when the document closes", async () => {
    await client.connection.sendNotification("textDocument/didClose", { textDocument: { uri } });
    await client.eventually(() => client.diagnostics.get(uri)?.length === 0, "empty diagnostics");
    await client.open(uri, training.text);
    await client.eventually(() => (client.diagnostics.get(uri)?.length ?? 0) > 0, "diagnostics again");
  });

  it("answers wrong parameters of its own methods with one sentence", async () => {
    const send = (method: string, params: unknown): Promise<unknown> => client.connection.sendRequest(method, params);
    await expect(send("lib/cancel", { run: 7 })).rejects.toThrow('lib/cancel: "run" must be a text.');
    await expect(send("lib/matrix", { uri: "http://x/y", tensor: "a" })).rejects.toThrow('lib/matrix: "uri" must be a file URI.');
    await expect(send("lib/ablate", { uri, basis: "svd", layer: 0, remove: [] })).rejects.toThrow('lib/ablate: "basis" must be one of lib, pca, neuron.');
    await expect(send("lib/ablate", { uri, basis: "lib", layer: 0, remove: [-1] })).rejects.toThrow('"remove" must be a list of whole numbers from 0.');
    await expect(send("lib/analyze", {})).rejects.toThrow('give "spec" or "model"');
    await expect(send("lib/analyze", { model: ["x"] })).rejects.toThrow('lib/analyze: "model" must be a text.');
  });
});

describe("trust", () => {
  it("runs nothing in a folder that is not trusted, and still shows static facts", async () => {
    const workspace = await Workspace.create({ "train.py": training.text });
    await workspace.write("runs/.keep", "");
    await writeCheckpoint(workspace.path("runs/mlp.safetensors"), { "fc1.weight": [12, 6], "fc1.bias": [12], "fc2.weight": [3, 12], "fc2.bias": [3] });
    const client = await Client.start(bundle, { folder: workspace.folder, options: { trusted: false, commandLinks: true } });
    const uri = workspace.uri("train.py");
    await client.open(uri, training.text);
    // They come with the scan of the workspace, for which a hover does not wait long.
    await client.eventually(() => client.diagnostics.get(uri)?.some((diagnostic) => diagnostic.code === "missing-model"), "the scan");
    const text = await client.hover(uri, training.at("fc1"));
    expect(text).toContain("`fc1.weight`");
    expect(text).not.toContain("command:");
    await expect(client.request("lib/analyze", { model: workspace.uri("runs/mlp.safetensors") })).rejects.toThrow("needs a trusted workspace");
    await expect(client.request("lib/ablate", { uri, basis: "lib", layer: 0, remove: [] })).rejects.toThrow("needs a trusted workspace");
    await expect(client.request("lib/backends", {})).rejects.toThrow("needs a trusted workspace");
    await client.stop();
    await workspace.remove();
  });
});
