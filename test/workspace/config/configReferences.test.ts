import { expect, it } from "vitest";
import { scanConfig } from "../../../server/src/workspace/config/configReferences";
import { scanSpec, withoutComments } from "../../../server/src/workspace/config/specReferences";
import { marked } from "../support";

it("finds model and data paths in YAML with exact positions, in every document", () => {
  const { text, at } = marked([
    "name: run",
    "checkpoint: «start»runs/mlp.pt«end»",
    "data:",
    "  - images: data/train-images-idx3-ubyte",
    '  - "https://example.org/x.pt"',
    "best.pt: 3",
    "---",
    "resume: ${root}/epoch_%03d.ckpt",
  ].join("\n"));
  const { references } = scanConfig("file:///w/c.yaml", text);
  expect(references.map(({ path, what, by }) => [path, what, by])).toEqual([
    ["runs/mlp.pt", "model", "checkpoint"], ["data/train-images-idx3-ubyte", "data", "images"], ["*/epoch_*.ckpt", "model", "resume"],
  ]);
  expect(references[0]?.range).toEqual({ start: at("start"), end: at("end") });
});

it("survives broken configuration and aliases that would grow without end", () => {
  expect(scanConfig("file:///w/c.yaml", "a: [1, {b: 'x.pt'\n: : :").references.length).toBeLessThan(2);
  const bomb = ["a0: &a0 x.pt", ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)].join("\n");
  expect(scanConfig("file:///w/c.yaml", bomb).references).toHaveLength(1);
});

it("reads the model and the data files of a spec, comments allowed, relative to the spec", () => {
  const { text, at } = marked(`{
\t// the checkpoint
  "model": «start»"runs/m.pt"«end», /* "model": "no.pt" */
  "data": { "kind": "idx", "inputs": "d/a.gz", "labels": "d/b.gz" },
  "evaluation": { "data": { "kind": "npz", "inputs": "t.npz" } },
}`);
  const facts = scanSpec("file:///w/a.lib.json", text);
  expect(facts.references.map(({ path, what, anchor }) => [path, what, anchor])).toEqual([
    ["runs/m.pt", "model", "document"], ["d/a.gz", "data", "document"], ["d/b.gz", "data", "document"], ["t.npz", "data", "document"],
  ]);
  expect(facts.spec).toEqual({ model: "runs/m.pt", range: { start: at("start"), end: at("end") } });
});

it("blanks comments without moving anything, and leaves strings alone", () => {
  const text = '{"a": "// no /* comment */", // yes\n/* two\nlines */ "b": 1}';
  const blank = withoutComments(text);
  expect(blank).toHaveLength(text.length);
  expect(blank.split("\n")).toHaveLength(3);
  expect(JSON.parse(blank)).toEqual({ a: "// no /* comment */", b: 1 });
});
