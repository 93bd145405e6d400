import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ablationFile, addAnswer, addCurves, readAblation, type StoredAnswer } from "../../../server/src/analysis/store/ablationFile";
import type { AblationCurve } from "../../../server/src/protocol/ablation";

const curve = (layer: string, needed: number): AblationCurve => ({
  what: "nodes", basis: "lib", layer, metric: "accuracy", base: 0.99, tolerance: 0.001, points: [[0, 0.1], [needed, 0.99]], needed, total: 10,
});

const readCurves = async (file: string, key: string): Promise<AblationCurve[]> => (await readAblation(file, key)).curves;

const nodes = (question: string, needed: number): StoredAnswer => (
  { what: "nodes", question, answer: { metric: "accuracy", tolerance: 0.001, base: 0.99, curves: { a: [[0, 0.1], [needed, 0.99]] }, needed: { a: needed } } }
);
const edges = (weakest: number): StoredAnswer => (
  { what: "edges", question: "{}", answer: { metric: "ce-loss", tolerance: 0.1, base: 1, required: { a: 2 }, total: { a: 9 }, weakest: { a: weakest }, probes: { a: [[2, 1.05]] } } }
);

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

it("gives back whole answers by their question, beside the curves", async () => {
  await addCurves(result, "k", [curve("a", 3)]);
  for (const one of [nodes("{}", 3), nodes("{\"basis\":\"pca\"}", 4), edges(0.5), nodes("{}", 5)]) await addAnswer(result, "k", one);
  expect(await readAblation(result, "k")).toEqual({ curves: [curve("a", 3)], answers: [nodes("{\"basis\":\"pca\"}", 4), edges(0.5), nodes("{}", 5)] });
  expect((await readAblation(result, "another key")).answers).toEqual([]);
  // JSON has no infinity: such an answer is computed again rather than spoil the file.
  await addAnswer(result, "k", edges(Infinity));
  expect((await readAblation(result, "k")).answers).toContainEqual(edges(0.5));
});

it("keeps a bounded number of answers, the newest", async () => {
  for (let one = 0; one < 203; one += 1) await addAnswer(result, "k", nodes(String(one), 1));
  const { answers } = await readAblation(result, "k");
  expect([answers.length, answers[0]?.question, answers.at(-1)?.question]).toEqual([200, "3", "202"]);
});

it.each([
  ["not JSON", "{"],
  ["another format", "{\"format\": \"x\"}"],
  ["a curve without points", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [{ ...curve("a", 1), points: [[1]] }] })],
  ["a negative number of features", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [{ ...curve("a", 1), needed: -1 }] })],
  ["a score that is no number", `{"format":"lib-lens-ablation","version":1,"key":"k","curves":[{"what":"nodes","basis":"lib","layer":"a","metric":"accuracy","base":1,"tolerance":0,"needed":1,"total":1,"points":[[1,1e999]]}]}`],
  ["an answer with half a curve", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [], answers: [{ ...nodes("{}", 1), answer: { ...nodes("{}", 1).answer, curves: { a: [[1]] } } }] })],
  ["an answer without its numbers", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [], answers: [{ what: "edges", question: "{}", answer: { metric: "accuracy" } }] })],
  ["answers that are no list", JSON.stringify({ format: "lib-lens-ablation", version: 1, key: "k", curves: [], answers: {} })],
])("says in one sentence that a file is damaged (%s), and writes it anew when there is something new", async (_, text) => {
  await writeFile(ablationFile(result), text);
  await expect(readCurves(result, "k")).rejects.toThrow(/abc\.ablation\.json .*: delete it and ablate again\.$/);
  await addCurves(result, "k", [curve("a", 3)]);
  expect(await readCurves(result, "k")).toHaveLength(1);
});
