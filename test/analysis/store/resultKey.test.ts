import { copyFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadSpec } from "../../../server/src/analysis/spec/loadSpec";
import { FileHashes } from "../../../server/src/analysis/store/fileHashes";
import { canonical, resultKey } from "../../../server/src/analysis/store/resultKey";
import type { AnalysisSpec } from "../../../server/src/protocol/spec";
import { folder, tinyAnalysis, writeData, writeMlp, writeSpec } from "../fixtures";

async function keyOf(spec: string): Promise<string> {
  const hashes = new FileHashes(await folder());
  return (await resultKey(await loadSpec({ spec, model: null }), (path) => hashes.of(path))).key;
}

describe("the key of a result", () => {
  it("does not depend on where the files lie", async () => {
    const [here, there] = [await tinyAnalysis(), await tinyAnalysis()];
    expect(await keyOf(here.spec)).toBe(await keyOf(there.spec));
  });

  it("does not depend on defaults being written out, the order of fields, batches or memory", async () => {
    const plain = await keyOf((await tinyAnalysis()).spec);
    const explicit: Partial<AnalysisSpec> = {
      seed: 0, basis: { threshold: 1e-6, center: true, formula: "jacobian" }, precision: "float32", batchSize: 17, maxMemory: "2GB", edges: { formula: "squared" },
    };
    expect(await keyOf((await tinyAnalysis(explicit)).spec)).toBe(plain);
  });

  it("changes with the model, the data, the options and the sidecar config", async () => {
    const keys = new Set<string>();
    const base = await tinyAnalysis();
    keys.add(await keyOf(base.spec));
    for (const options of [{ precision: "float64" }, { basis: { threshold: 1e-5 } }, { architecture: { activation: "tanh" } }, { nodeLayers: ["layers.0", "output"] }] as Partial<AnalysisSpec>[]) {
      keys.add(await keyOf((await tinyAnalysis(options)).spec));
    }
    const otherModel = await tinyAnalysis();
    await writeMlp(otherModel.folder, [8, 6, 5, 3], 99);
    keys.add(await keyOf(otherModel.spec));
    const otherData = await tinyAnalysis();
    await writeData(otherData.folder, 400, 8, 3, 99);
    keys.add(await keyOf(otherData.spec));
    const withSidecar = await tinyAnalysis();
    await writeFile(join(withSidecar.folder, "config.yaml"), "model:\n  act_fn: relu\n");
    keys.add(await keyOf(withSidecar.spec));
    expect(keys.size).toBe(8);
  });

  it("of a model in several files changes with each of them, and not with a spec beside them", async () => {
    const { folder: into } = await tinyAnalysis();
    await writeFile(join(into, "model.safetensors.index.json"), JSON.stringify({ weight_map: { "fc1.weight": "model.safetensors" } }));
    const data = { kind: "safetensors", inputs: "data.safetensors" } as const;
    for (const model of [".", "model.safetensors.index.json"]) {
      const spec = await writeSpec(into, { model, data }, "shards.lib.json");
      const before = await keyOf(spec);
      await writeSpec(into, { model, data }, "another.lib.json");
      expect(await keyOf(spec)).toBe(before);
      await writeMlp(into, [8, 6, 5, 3], model === "." ? 77 : 78);
      expect(await keyOf(spec)).not.toBe(before);
    }
  });

  it("is not blind to a file that changed in place", async () => {
    const { folder: into, spec } = await tinyAnalysis();
    const hashes = new FileHashes(into);
    const file = join(into, "data.safetensors");
    const before = await hashes.of(file);
    expect(await new FileHashes(into).known(file)).toBe(before);
    await copyFile(spec, file);
    await utimes(file, 1000, 1000);
    expect(await new FileHashes(into).known(file)).toBeNull();
    expect(await new FileHashes(into).of(file)).not.toBe(before);
  });

  it("is made from canonical text", () => {
    expect(canonical({ b: [1, null], a: undefined, c: { y: "x", x: 1 } })).toBe('{"b":[1,null],"c":{"x":1,"y":"x"}}');
  });
});

describe("a spec that names what is not there", () => {
  it("is refused with the resolved path", async () => {
    const into = await folder();
    const spec = await writeSpec(into, { model: "gone.pt", data: { kind: "npz", inputs: "d.npz" } });
    await expect(loadSpec({ spec, model: null })).rejects.toThrow(join(into, "gone.pt"));
    await expect(loadSpec({ spec: join(into, "none.lib.json"), model: null })).rejects.toThrow("does not exist");
    await expect(loadSpec({ spec: into, model: null })).rejects.toThrow("folder");
  });

  it("without a spec, data is inferred or asked for", async () => {
    const into = await folder();
    const model = await writeMlp(into, [4, 3, 2]);
    await expect(loadSpec({ spec: null, model })).rejects.toThrow("LIB: Create Analysis Spec");
    await writeFile(join(into, "config.yaml"), "dataset:\n  dataset_type: modular_arithmetic\n  modulus: 7\n  frac_train: 0.5\n  seed: 3\n");
    const loaded = await loadSpec({ spec: null, model });
    expect(loaded.spec.data).toEqual({ kind: "modular-addition", modulus: 7, fracTrain: 0.5, seed: 3, split: "train" });
    expect(loaded.spec.evaluation?.data?.split).toBe("test");
    expect(loaded.notes.join()).toContain("config.yaml");
  });
});
