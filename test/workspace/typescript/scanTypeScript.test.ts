import { expect, it } from "vitest";
import { scanDocument } from "../../../server/src/workspace/scanDocument";
import { outline, parsers } from "../support";

async function scan(text: string) {
  const [facts] = await scanDocument({ uri: "file:///w/a.ts", kind: "typescript", text }, parsers);
  if (!facts) throw new Error("no facts");
  return facts;
}

it("resolves model paths through constants, templates and path.join", async () => {
  const { references } = await scan([
    'const DIR = "runs"; const N = `${DIR}/net`;',
    "const a = await tf.loadLayersModel(`file://${DIR}/mlp/model.json`);",
    'const b = await tf.loadGraphModel(path.join(DIR, name, "model.json"));',
    "await model.save(`file://${N}`);",
    'await tf.loadLayersModel("https://example.org/model.json");',
    "fabric.save(thing);",
  ].join("\n"));
  expect(references.map(({ path, how }) => [path, how])).toEqual([
    ["runs/mlp/model.json", "load"], ["runs/*/model.json", "load"], ["runs/net/model.json", "save"],
  ]);
});

it("collects named layers", async () => {
  const { modules } = await scan('const UNITS = 10;\nmodel.add(tf.layers.dense({ units: UNITS, name: "fc1", useBias: false }));\nmodel.add(tf.layers.dense({ units: 3 }));');
  expect(outline(modules[0]?.layers ?? [])).toEqual(["fc1(tf.layers.dense)"]);
  expect(modules[0]?.layers[0]?.arguments.keyword).toContainEqual(["units", 10]);
});
