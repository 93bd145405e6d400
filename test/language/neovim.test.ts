import { spawn, spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { marked } from "../workspace/support";
import { writeCheckpoint } from "./checkpoints";
import { Workspace, buildServer } from "./client";

const version = spawnSync("nvim", ["--version"], { encoding: "utf8" }).stdout?.split("\n")[0] ?? "";
const title = "answers hover, document links and diagnostics to Neovim over stdio";

const script = marked(`import torch
from torch import nn


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = «fc1»nn.Linear(6, 12)
        self.fc2 = «fc2»nn.Linear(12, 4)


state = torch.load(«path»"runs/mlp.safetensors")
`);

interface Report {
  hovers: string[];
  diagnostics: { line: number; message: string }[];
  links: { target: string; range: { start: { line: number; character: number } } }[];
  models: { model: string }[];
  afterEdit: { line: number; message: string }[];
}

it.skipIf(version === "")(version === "" ? `${title} (skipped: nvim is not installed)` : `${title} (${version})`, async () => {
  const bundle = await buildServer();
  const workspace = await Workspace.create({ "train.py": script.text, "runs/.keep": "" });
  await writeCheckpoint(workspace.path("runs/mlp.safetensors"), { "fc1.weight": [12, 6], "fc1.bias": [12], "fc2.weight": [3, 12], "fc2.bias": [3] });
  const place = (name: string): string => `${script.at(name).line}:${script.at(name).character}`;
  try {
    const report = await runNeovim({
      SERVER: join(bundle, "server.js"), FOLDER: workspace.folder, FILE: workspace.path("train.py"),
      HOVERS: `${place("fc1")},${place("path")}`, EDIT: `${script.at("fc2").line}:        self.fc2 = nn.Linear(12, 3)`,
    });
    expect(report.hovers[0]).toContain("`fc1.weight`");
    expect(report.hovers[0]).toContain("84 parameters in `mlp.safetensors`");
    expect(report.hovers[0]).not.toMatch(/command:|data:image/);
    expect(report.hovers[1]).toContain("4 tensors bound to `MLP`");
    expect(report.links).toMatchObject([{ target: workspace.uri("runs/mlp.safetensors"), range: { start: script.at("path") } }]);
    expect(report.diagnostics).toEqual([{ line: script.at("fc2").line, message: "fc2 is 12x4 in code, 12x3 in mlp.safetensors (tensor fc2.weight)." }]);
    expect(report.models.map((model) => model.model)).toEqual([workspace.uri("runs/mlp.safetensors")]);
    expect(report.afterEdit).toEqual([]);
  } finally {
    await workspace.remove();
    await rm(bundle, { recursive: true, force: true });
  }
});

function runNeovim(env: Record<string, string>): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = spawn("nvim", ["--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", `luafile ${join(import.meta.dirname, "neovim.lua")}`], {
      env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000,
    });
    let output = "";
    child.stdout.on("data", (part: Buffer) => { output += part.toString(); });
    child.stderr.on("data", (part: Buffer) => { output += part.toString(); });
    child.on("error", reject);
    child.on("close", () => {
      const report = /REPORT (.*)/.exec(output)?.[1];
      if (report === undefined) reject(new Error(`Neovim gave no report:\n${output}`));
      else resolve(JSON.parse(report) as Report);
    });
  });
}
