import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { metadataField, readForView, readMetadata, withResult, writeResult } from "../../../server/src/analysis/store/resultFile";
import { ResultStore } from "../../../server/src/analysis/store/resultStore";
import { validateMetadata } from "../../../server/src/analysis/store/validateMetadata";
import { writeSafetensors } from "../../../server/src/formats/safetensors/writeSafetensors";
import type { ResultMetadata } from "../../../server/src/protocol/result";
import { folder } from "../fixtures";

const key = "ab".repeat(32);
let into = "";

function metadata(change: Partial<ResultMetadata> = {}): ResultMetadata {
  return {
    format: "lib-lens-result", version: 1, key, algorithmVersion: 1, createdAt: "2026-01-01T00:00:00.000Z", complete: true,
    model: { path: join(into, "models", "m.pt"), sha256: "cd".repeat(32), family: "mlp", parameters: 12 },
    spec: { model: join(into, "models", "m.pt"), data: { kind: "npz", inputs: join(into, "d.npz") } },
    backend: { name: "cpu", description: "plain" }, precision: "float32", samples: 3, seconds: 1, phases: { read: 0.5 },
    layers: [
      { index: 0, name: "layers.0", dimension: 3, kept: 2, lambda: [4, 1], gramEigenvalues: [1, 0.5, 0], gramRank: 2, path: "affine" },
      { index: 1, name: "output", dimension: 2, kept: 0, lambda: [], gramEigenvalues: [], gramRank: 0 },
    ],
    sections: [{ index: 0, from: "layers.0", to: "output", shape: [2, 2], total: 1, edges: { source: [1], target: [0], weight: [1] }, truncated: { count: 0, largest: 0 } }],
    notes: ["a note"],
    ...change,
  };
}

beforeAll(async () => {
  into = await folder();
});

describe("a result file", () => {
  it("gives back what was written, and leaves nothing else in the folder", async () => {
    const store = join(into, ".lib-lens");
    await mkdir(store);
    const file = join(store, `${key}.libresult`);
    await writeResult(file, "run-1", [{ name: "C/0", dtype: "F64", shape: [3, 2], data: Float64Array.from([1, 2, 3, 4, 5, 6]) }], metadata());
    expect(await readMetadata(file)).toEqual(metadata());
    expect(await readForView(file, "C/0")).toEqual({ rows: 3, cols: 2, values: Float32Array.from([1, 2, 3, 4, 5, 6]) });
    expect(await readForView(file, "C/7")).toBeNull();
    expect(await readdir(store)).toEqual([`${key}.libresult`]);
    expect((await new ResultStore().list([store])).map(({ metadata: { key: found } }) => found)).toEqual([key]);
  });

  it("keeps its paths relative to itself", async () => {
    const file = join(into, ".lib-lens", `${key}.libresult`);
    await withResult(file, async (opened) => {
      const stored = JSON.parse(String(opened.metadata.get(metadataField))) as ResultMetadata;
      expect(stored.model.path).toBe("../models/m.pt");
      expect(stored.spec.data.inputs).toBe("../d.npz");
      expect(JSON.stringify(stored)).not.toContain(into);
    });
  });

  it.each([
    ["text", "hello, this is no result"],
    ["nothing", ""],
  ])("that is %s is refused", async (_what, text) => {
    const file = join(into, "bad.libresult");
    await writeFile(file, text);
    await expect(readMetadata(file)).rejects.toThrow(/bad\.libresult/);
    expect(await new ResultStore().list([into])).toEqual([]);
  });

  it("with metadata that is not JSON, or none, is refused", async () => {
    const file = join(into, "bad.libresult");
    for (const [facts, message] of [[{ [metadataField]: "{" }, "not JSON"], [{}, "carries no"]] as const) {
      await writeSafetensors(file, [], facts);
      await expect(readMetadata(file)).rejects.toThrow(message);
    }
  });
});

describe("hostile metadata", () => {
  const layer = (change: object): Partial<ResultMetadata> => ({ layers: [{ ...metadata().layers[0]!, ...change }, metadata().layers[1]!] });
  const section = (change: object): Partial<ResultMetadata> => ({ sections: [{ ...metadata().sections[0]!, ...change }] });

  it.each<[string, Partial<ResultMetadata>]>([
    ["version", { version: 2 as never }],
    ["key", { key: "../../etc/passwd" }],
    ["createdAt", { createdAt: "yesterday" }],
    ["seconds", { seconds: "1" as never }],
    ["phases.read", { phases: { read: null as never } }],
    ["backend.name", { backend: { name: "shell" as never, description: "" } }],
    ["spec.data", { spec: { model: "m", data: [] as never } }],
    ["notes[0]", { notes: [{}] as never }],
    ["layers[0].index", layer({ index: 5 })],
    ["layers[0].kept", layer({ kept: 9 })],
    ["layers[0].lambda", layer({ lambda: [1] })],
    ["layers[0].lambda", layer({ lambda: [1, "2"] })],
    ["sections[0].shape", section({ shape: [2, -2] })],
    ["sections[0].edges", section({ edges: { source: [1, 1], target: [0], weight: [1] } })],
    ["sections[0].edges.source", section({ edges: { source: [7], target: [0], weight: [1] } })],
    ["sections[0].edges.target", section({ edges: { source: [1], target: [0.5], weight: [1] } })],
  ])("%s is named", (field, change) => {
    expect(() => validateMetadata(JSON.parse(JSON.stringify(metadata(change))), "r.libresult")).toThrow(`"${field}"`);
  });

  it("of the wrong kind is refused altogether", () => {
    for (const value of [null, 3, "x", [], {}]) expect(() => validateMetadata(value, "r.libresult")).toThrow("r.libresult");
  });
});
