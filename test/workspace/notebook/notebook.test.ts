import { expect, it } from "vitest";
import { bindWorkspace } from "../../../server/src/workspace/binding/bindWorkspace";
import { scanDocument } from "../../../server/src/workspace/scanDocument";
import { parsers } from "../support";

const cells = [
  "%load_ext autoreload\nimport torch\nfrom torch import nn\nFOLDER = 'runs'",
  "class Net(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(4, 2)",
  "!ls\nstate = torch.load(f'{FOLDER}/m.pt')",
];

it("maps what is found back to the cells, with names that cross cells", async () => {
  const open = { uri: "file:///w/n.ipynb", kind: "notebook" as const, text: "", cells: cells.map((text, i) => ({ uri: `cell:${i}`, text })) };
  const facts = await scanDocument(open, parsers);
  const last = facts.find((one) => one.uri === "cell:2");
  expect(last?.references).toMatchObject([{ path: "runs/m.pt", range: { start: { line: 1, character: 19 } } }]);
  const tensors = [{ name: "fc.weight", shape: [2, 4], dtype: "float32" as const }, { name: "fc.bias", shape: [2], dtype: "float32" as const }];
  const { bindings } = bindWorkspace(new Map(facts.map((one) => [one.uri, one])), [{ path: "/w/runs/m.pt", tensors, referencedBy: new Set(["cell:2"]) }], new Set());
  expect(bindings[0]?.bound).toMatchObject({ proximity: 1, module: { uri: "cell:1" } });
  expect(bindings[0]?.bound?.matches[0]?.pattern.place.range.start).toEqual({ line: 2, character: 18 });
});

it.each([
  ["a list of lines", (text: string): string | string[] => text.split("\n").map((line, i, all) => (i < all.length - 1 ? `${line}\n` : line))],
  ["one string", (text: string): string | string[] => text],
])("reads an .ipynb file whose sources are %s", async (_what, source) => {
  const json = JSON.stringify({ cells: [{ cell_type: "markdown", source: "torch.load('no.pt')" }, ...cells.map((text) => ({ cell_type: "code", source: source(text) }))] }, null, 1);
  const facts = await scanDocument({ uri: "file:///w/n.ipynb", kind: "notebook", text: json }, parsers);
  expect(facts).toHaveLength(1);
  expect(facts[0]?.references.map((reference) => reference.path)).toEqual(["runs/m.pt"]);
  const { line = -1 } = facts[0]?.references[0]?.range.start ?? {};
  expect(json.split("\n")[line]).toContain("torch.load(f'");
});

it("takes damaged JSON for an empty notebook", async () => {
  expect(await scanDocument({ uri: "file:///w/n.ipynb", kind: "notebook", text: "{\"cells\": [{" }, parsers)).toEqual([]);
});
