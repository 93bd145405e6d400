import { describe, expect, it } from "vitest";
import type { ModuleDefinition } from "../../../server/src/workspace/facts";
import { outline, scan } from "../support";

async function definition(body: string): Promise<ModuleDefinition> {
  const indented = body.split("\n").map((line) => `        ${line}`).join("\n");
  const { modules } = await scan(`class Net(nn.Module):\n    def __init__(self, width=64, depth=2):\n        super().__init__()\n${indented}\n`);
  const [only] = modules.filter((module) => module.kind === "class");
  if (!only) throw new Error("no class found");
  return only;
}

describe("layers of a class", () => {
  const cases: [what: string, code: string, expected: string[]][] = [
    ["attributes", "self.fc1 = nn.Linear(784, 100)\nself.act = nn.ReLU()", ["fc1(nn.Linear)", "act(nn.ReLU)"]],
    ["Sequential by position", "self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))", ["net[0(nn.Linear), 1(nn.ReLU), 2(nn.Linear)]"]],
    ["Sequential of an OrderedDict", 'self.net = nn.Sequential(OrderedDict([("a", nn.Linear(4, 8)), ("b", nn.Tanh())]))', ["net[a(nn.Linear), b(nn.Tanh)]"]],
    ["add_module", 'self.net = nn.Sequential()\nself.net.add_module("fc", nn.Linear(4, 8))', ["net[fc(nn.Linear)]"]],
    ["ModuleList by list", "self.fs = nn.ModuleList([nn.Linear(4, 8), nn.Linear(8, 2)])", ["fs[0(nn.Linear), 1(nn.Linear)]"]],
    ["ModuleList by comprehension", "self.fs = nn.ModuleList([Block(width) for _ in range(depth)])", ["fs[*(Block)]"]],
    ["ModuleList by generator", "self.fs = nn.ModuleList(Block(width) for _ in range(depth))", ["fs[*(Block)]"]],
    ["append in a loop", "self.fs = nn.ModuleList()\nfor i in range(depth):\n    self.fs.append(nn.Linear(width, width))\nself.fs.append(nn.Linear(width, 2))", ["fs[*(nn.Linear), *(nn.Linear)]"]],
    ["append without a loop", "self.fs = nn.ModuleList()\nself.fs.append(nn.Linear(4, 8))\nself.fs.append(nn.Linear(8, 2))", ["fs[0(nn.Linear), 1(nn.Linear)]"]],
    ["a list variable", "ls = [nn.Linear(4, 8), nn.ReLU()]\nls.append(nn.Linear(8, 2))\nself.net = nn.Sequential(*ls)", ["net[0(nn.Linear), 1(nn.ReLU), 2(nn.Linear)]"]],
    ["a list variable filled in a loop", "ls = []\nfor i in range(depth):\n    ls += [nn.Linear(width, width), nn.ReLU()]\nself.net = nn.Sequential(*ls, nn.Linear(width, 2))", ["net[*(nn.Linear), *(nn.ReLU), *(nn.Linear)]"]],
    ["ModuleDict", 'self.heads = nn.ModuleDict({"a": nn.Linear(4, 8), "b": nn.Linear(4, 2)})', ["heads[a(nn.Linear), b(nn.Linear)]"]],
    ["Parameter and buffers", 'self.W = nn.Parameter(torch.zeros(4, width))\nself.register_buffer("mask", torch.ones(4))\nself.register_buffer("tmp", torch.ones(4), persistent=False)', ["W(nn.Parameter)", "mask(register_buffer)"]],
    ["a moved layer", "self.fc = nn.Linear(4, 8).to(device)", ["fc(nn.Linear)"]],
    ["a conditional layer", "self.fc = nn.Linear(4, 8) if width > 2 else nn.Identity()", ["fc(nn.Linear)"]],
    ["an unknown entry keeps its place", "self.net = nn.Sequential(make(), nn.Linear(8, 2))", ["net[1(nn.Linear)]"]],
  ];
  it.each(cases)("%s", async (_what, code, expected) => {
    expect(outline((await definition(code)).layers)).toEqual(expected);
  });

  it("keeps sizes that depend on constructor parameters as expressions", async () => {
    const { layers, parameters } = await definition("self.width = width\nhidden = 4 * self.width\nself.fc = nn.Linear(hidden, 10, bias=False)");
    expect(parameters).toEqual([{ name: "width", default: 64 }, { name: "depth", default: 2 }]);
    expect(layers[0]?.arguments).toEqual({
      positional: [{ op: "*", left: 4, right: { parameter: "width" } }, 10], keyword: [["bias", false]], open: false,
    });
  });

  it("reads the shape of a scaled parameter", async () => {
    const { layers } = await definition("self.W = nn.Parameter(torch.randn(width, 3) / math.sqrt(width))");
    expect(layers[0]?.shape).toEqual([{ parameter: "width" }, 3]);
  });
});

it("takes a variable that holds a Sequential for a model, with its entries unprefixed", async () => {
  const { modules } = await scan("model = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))\n");
  expect(modules).toMatchObject([{ name: "model", kind: "variable" }]);
  expect(outline(modules[0]?.layers ?? [])).toEqual(["0(nn.Flatten)", "1(nn.Linear)"]);
});

it("reads imports with their level and alias", async () => {
  const { imports } = await scan("import models.mlp as M\nfrom ..nets import MLP as Net, CNN\nfrom x import *\n");
  expect(imports).toEqual([
    { module: "models.mlp", level: 0, name: null, as: "M" },
    { module: "nets", level: 2, name: "MLP", as: "Net" },
    { module: "nets", level: 2, name: "CNN", as: "CNN" },
    { module: "x", level: 0, name: "*", as: "*" },
  ]);
});
