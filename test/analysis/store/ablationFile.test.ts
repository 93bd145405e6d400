import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ablationFile, addCurves, readCurves } from "../../../server/src/analysis/store/ablationFile";
import type { AblationCurve } from "../../../server/src/protocol/ablation";

const curve = (layer: string, needed: number): AblationCurve => ({
  what: "nodes", basis: "lib", layer, metric: "accuracy", base: 0.99, tolerance: 0.001, points: [[0, 0.1], [needed, 0.99]], needed, total: 10,
});

let folder = "";
let result = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lib-lens-curves-"));
  result = join(folder, "abc.libresult");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("gives back what was added; a curve that is measured again replaces the old one", async () => {
  expect(await readCurves(result, "k")).toEqual([]);
  await addCurves(result, "k", [curve("a", 3)]);
  await addCurves(result, "k", [curve("b", 4), { ...curve("a", 5), basis: "pca" }]);
  await addCurves(result, "k", [curve("a", 2)]);
  const curves = await readCurves(result, "k");
  expect(curves.map(({ layer, basis, needed }) => `${layer} ${basis} ${needed}`).sort()).toEqual(["a lib 2", "a pca 5", "b lib 4"]);
  expect(await readdir(folder)).toEqual(["abc.ablation.json"]);
});

it("does not show the curves of another analysis", async () => {
  await addCurves(result, "old key", [curve("a", 3)]);
  expect(await readCurves(result, "new key")).toEqual([]);
  await addCurves(result, "new key", [curve("b", 3)]);
  expect((await readCurves(result, "new key")).map(({ layer }) => layer)).toEqual(["b"]);
});

it.each([
  ["not JSON", "{"],
  ["another format", "{\"format\": \"x\"}"],
  ["a curve without points", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [{ ...curve("a", 1), points: [[1]] }] })],
  ["a negative number of features", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [{ ...curve("a", 1), needed: -1 }] })],
  ["a score that is no number", `{"format":"lib-lens-ablation","version":1,"key":"k","curves":[{"what":"nodes","basis":"lib","layer":"a","metric":"accuracy","base":1,"tolerance":0,"needed":1,"total":1,"points":[[1,1e999]]}]}`],
])("says in one sentence that a file is damaged (%s), and writes it anew when there is something new", async (_, text) => {
  await writeFile(ablationFile(result), text);
  await expect(readCurves(result, "k")).rejects.toThrow(/abc\.ablation\.json .*: delete it and ablate again\.$/);
  await addCurves(result, "k", [curve("a", 3)]);
  expect(await readCurves(result, "k")).toHaveLength(1);
});
