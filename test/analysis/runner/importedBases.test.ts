import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runAnalysis } from "../../../server/src/analysis/runner/runAnalysis";
import { readMetadata } from "../../../server/src/analysis/store/resultFile";
import { writeSafetensors } from "../../../server/src/formats/safetensors/writeSafetensors";
import type { RunEvent } from "../../../server/src/protocol/events";
import type { ResultMetadata } from "../../../server/src/protocol/result";
import type { ImportedBasisSpec } from "../../../server/src/protocol/spec";
import { random, tinyAnalysis } from "../fixtures";

const next = random(9);
const rowsOf = (rows: number, cols: number): { name: string; dtype: "F32"; shape: number[]; data: Float32Array } => (
  { name: `${rows}x${cols}`, dtype: "F32", shape: [rows, cols], data: Float32Array.from({ length: rows * cols }, next) }
);

/** Layer layers.1 of the tiny network has 6 components beside the constant. */
async function withBasis(basis: Partial<ImportedBasisSpec>, layer = "layers.1"): Promise<{ folder: string; spec: string }> {
  const made = await tinyAnalysis({ bases: { [layer]: { file: "dictionary.safetensors", ...basis } } });
  const bad = rowsOf(2, 6);
  bad.name = "bad";
  bad.data[3] = NaN;
  const same = rowsOf(2, 6);
  same.name = "same";
  same.data.copyWithin(6, 0, 6);
  await writeSafetensors(join(made.folder, "dictionary.safetensors"), [rowsOf(4, 6), rowsOf(6, 4), rowsOf(6, 6), rowsOf(9, 6), rowsOf(5, 5), bad, same], {});
  await writeSafetensors(join(made.folder, "single.safetensors"), [rowsOf(4, 6)], {});
  return made;
}

async function run({ folder, spec }: { folder: string; spec: string }): Promise<ResultMetadata> {
  const events: RunEvent[] = [];
  await runAnalysis({
    kind: "analyze", run: "run-1", source: { spec, model: null }, storeFolder: join(folder, ".lib-lens"), force: false,
    compute: { backend: "cpu", probeFile: null, backendCacheFile: null, maxMemory: null },
  }, { emit: (event) => void events.push(event), checkCancelled: () => undefined, keepAfterSeconds: 0 });
  const done = events.at(-1)!;
  if (done.kind !== "done") throw new Error(`ended with ${done.kind}`);
  return readMetadata(done.file);
}

describe("a basis that the spec names in a file", () => {
  it.each<[string, Partial<ImportedBasisSpec>, number]>([
    ["rows of features", { name: "4x6" }, 5],
    ["columns of features", { name: "6x4" }, 5],
    ["a square matrix, transposed", { name: "6x6", orientation: "width,features" }, 7],
    ["an encoder", { name: "4x6", role: "encoder" }, 5],
    ["the only matrix of a file", { file: "single.safetensors" }, 5],
  ])("as %s becomes the features of the layer, and the result says so", async (_what, basis, kept) => {
    const metadata = await run(await withBasis(basis));
    const [first, layer] = metadata.layers;
    expect(first!.basis).toEqual({ formula: "jacobian", global: false, apart: ["constant"] });
    expect(layer!.kept).toBe(kept);
    expect(layer!.basis).toMatchObject({ formula: "imported", apart: ["constant"], imported: { source: expect.stringContaining("safetensors, ") as string } });
    expect([...layer!.basis!.imported!.order].sort()).toEqual(Array.from({ length: kept - 1 }, (_, feature) => feature));
    expect(metadata.sections[1]!.shape[1]).toBe(kept);
  });

  it.each<[string, Partial<ImportedBasisSpec>, string, string?]>([
    ["no name among several matrices", {}, 'add "name"; the file holds 4x6 [4, 6]'],
    ["an unknown name", { name: "W_dec" }, 'holds no matrix "W_dec"'],
    ["a wrong width", { name: "5x5" }, "5 x 5, but the node layer has 6 components"],
    ["more features than components", { name: "9x6" }, "9 features for 6 components"],
    ["dependent features", { name: "same" }, "2 features but rank 1"],
    ["a number that is none", { name: "bad" }, "holds NaN at position 3"],
    ["no such file", { file: "absent.safetensors" }, "absent.safetensors"],
    ["no such layer", { name: "4x6" }, '"bases" names "layers.7"', "layers.7"],
  ])("with %s is refused in one sentence", async (_what, basis, message, layer) => {
    const failed = await run(await withBasis(basis, layer)).then(() => "nothing", (error: unknown) => (error as Error).message);
    expect(failed).toContain(message);
    expect(failed).not.toContain("\n");
  });

  it("belongs to the key of the result by its content, not by its place", async () => {
    const made = await withBasis({ name: "4x6" });
    const [one] = [await run(made)];
    await copyFile(join(made.folder, "dictionary.safetensors"), join(made.folder, "moved.safetensors"));
    const text = await readFile(made.spec, "utf8");
    await writeFile(made.spec, text.replace("dictionary", "moved"));
    expect((await run(made)).key).toBe(one.key);
    await writeSafetensors(join(made.folder, "moved.safetensors"), [rowsOf(4, 6)], {});
    expect((await run(made)).key).not.toBe(one.key);
    expect(one.spec.bases!["layers.1"]!.file).toBe(join(made.folder, "dictionary.safetensors"));
  });
});
