import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FileHashes } from "../../../server/src/analysis/store/fileHashes";
import { keepLabels, labelsFileOf } from "../../../server/src/analysis/store/keepLabels";
import { readLabels, writeLabels } from "../../../server/src/analysis/store/labelsFile";
import { rememberedHashes } from "../../../server/src/analysis/store/lookUp";
import { resultKey } from "../../../server/src/analysis/store/resultKey";
import { loadSpec } from "../../../server/src/analysis/spec/loadSpec";
import { folder, tinyAnalysis, writeData, writeSpec } from "../fixtures";

const key = "c".repeat(64);

it("what a person wrote stands beside what is computed again", async () => {
  const file = join(await folder(), "a.labels.csv");
  await keepLabels(file, key, [{ name: "fc1", labels: ["constant", "one"] }]);
  await writeLabels(file, (await readLabels(file)).map((row) => (row.feature === 1 ? { ...row, label: "wheels" } : row)));
  const rows = await keepLabels(file, key, [{ name: "fc1", labels: ["constant", "another"] }]);
  expect(rows.map(({ label, computed }) => [label, computed])).toEqual([["", "constant"], ["wheels", "another"]]);
  expect(await readLabels(file)).toEqual(rows);
});

it("a file that is something else is named and left alone", async () => {
  const file = join(await folder(), "a.labels.csv");
  await writeFile(file, "name,age\nx,1\n");
  await expect(keepLabels(file, key, [{ name: "fc1", labels: ["constant"] }])).rejects.toThrow("a.labels.csv, line 1: the first row should be \"layer,feature,label,computed,result\".");
});

it("labels go beside the spec whose analysis the result is, even when there are others", async () => {
  const { folder: into, spec, model } = await tinyAnalysis();
  const store = join(into, ".lib-lens");
  const data = { kind: "safetensors", inputs: "data.safetensors", inputsName: "inputs", labelsName: "labels" } as const;
  const other = await writeSpec(into, { model: "model.safetensors", data: { ...data, limit: 100 } }, "a.lib.json");
  await writeFile(join(into, "b.lib.json"), "{ not JSON");
  const hashes = new FileHashes(store);
  for (const file of [spec, other]) {
    const loaded = await loadSpec({ spec: file, model: null });
    const { key: own } = await resultKey(loaded, (path) => hashes.of(path));
    expect(await labelsFileOf(join(store, `${own}.libresult`), { key: own, model: { path: loaded.model } })).toBe(file.replace(".lib.json", ".labels.csv"));
  }
  // Once the data has changed, no spec is that of the result.
  const { key: before } = await resultKey(await loadSpec({ spec, model: null }), rememberedHashes(store));
  await writeData(into, 300, 8, 3);
  expect(await labelsFileOf(join(store, `${before}.libresult`), { key: before, model: { path: model } })).toBe(join(into, "model.safetensors.labels.csv"));
});

it("of a result without a spec they go beside the model's store, or into a store that was chosen", async () => {
  const into = await folder();
  await mkdir(join(into, "results"));
  const facts = { key, model: { path: join(into, "model.pt") } };
  expect(await labelsFileOf(join(into, ".lib-lens", `${key}.libresult`), facts)).toBe(join(into, "model.pt.labels.csv"));
  expect(await labelsFileOf(join(into, "results", `${key}.libresult`), facts)).toBe(join(into, "results", "model.pt.labels.csv"));
});
