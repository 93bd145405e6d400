import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSpec } from "../../../server/src/protocol/spec";
import { randomPermutation } from "../../../server/src/formats/data/mersenneTwister";
import { fieldsOfKind } from "../../../server/src/formats/data/fields";
import type { DataSet } from "../../../server/src/formats/dataSet";
import { FormatError } from "../../../server/src/formats/modelFile";
import { readDataSet } from "../../../server/src/formats/readDataSet";
import { writeSafetensors } from "../../../server/src/formats/safetensors/writeSafetensors";
import schema from "../../../schemas/analysis-spec.schema.json";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "splits-"));
  const rows = Array.from({ length: 10 }, (_, i) => `${i},${i + 100},${i % 3}\n`).join("");
  for (const name of ["rows.csv", "train.csv", "x_test.csv"]) await writeFile(join(folder, name), rows);
  await writeSafetensors(join(folder, "named.safetensors"), [
    { name: "x_train", dtype: "F32", shape: [2, 1], data: Float32Array.of(1, 2) }, { name: "y_train", dtype: "I32", shape: [2], data: Int32Array.of(0, 1) },
    { name: "x_test", dtype: "F32", shape: [1, 1], data: Float32Array.of(3) }, { name: "y_test", dtype: "I32", shape: [1], data: Int32Array.of(1) },
  ], {});
  await writeSafetensors(join(folder, "tokens.safetensors"), [
    { name: "inputs", dtype: "I32", shape: [2, 3], data: Int32Array.of(5, 6, 7, 8, 9, 4) }, { name: "labels", dtype: "I32", shape: [2, 3], data: Int32Array.of(6, 7, 0, 9, 4, 0) },
  ], {});
});
afterAll(async () => { await rm(folder, { recursive: true }); });

const firsts = ({ inputs }: DataSet): number[] => Array.from({ length: inputs.count }, (_, i) => inputs.values[i * inputs.values.length / inputs.count]!);
async function refusal(spec: DataSpec): Promise<string> {
  const error: unknown = await readDataSet(spec, folder).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

describe("splits", () => {
  const csv: DataSpec = { kind: "csv", inputs: "rows.csv" };

  it("divides any data by the seeded permutation of torch, labels with their samples", async () => {
    const order = [...randomPermutation(10, 4)];
    const train = await readDataSet({ ...csv, fracTrain: 0.75, seed: 4, split: "train" }, folder);
    const test = await readDataSet({ ...csv, fracTrain: 0.75, seed: 4, split: "test" }, folder);
    expect(firsts(train)).toEqual(order.slice(0, 7));
    expect(firsts(test)).toEqual(order.slice(7));
    expect([...train.labels!]).toEqual(firsts(train).map((i) => i % 3));
    expect(firsts(await readDataSet({ ...csv, fracTrain: 0.75, seed: 4, split: "train", limit: 2 }, folder))).toEqual(order.slice(0, 2));
    expect(firsts(await readDataSet({ ...csv, fracTrain: 0.75, split: "all" }, folder))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(firsts(await readDataSet({ kind: "block-vectors", size: 8, width: 1, fracTrain: 0.5, split: "test" }, folder)).length).toBe(4);
  });

  it("takes the split that a file is named after, and refuses the other", async () => {
    expect((await readDataSet({ kind: "csv", inputs: "train.csv", split: "train" }, folder)).inputs.count).toBe(10);
    expect((await readDataSet({ kind: "csv", inputs: "x_test.csv", split: "test" }, folder)).inputs.count).toBe(10);
    expect(await refusal({ kind: "csv", inputs: "train.csv", split: "test" })).toContain("named after the train split");
    expect(await refusal({ ...csv, split: "test" })).toContain("\"fracTrain\"");
    expect(await refusal({ kind: "block-vectors", split: "train" })).toContain("no split");
    expect(await refusal({ ...csv, fracTrain: 0, split: "train" })).toContain("empty");
  });

  it("chooses arrays by their names", async () => {
    const spec: DataSpec = { kind: "safetensors", inputs: "named.safetensors" };
    expect(firsts(await readDataSet(spec, folder))).toEqual([1, 2]);
    expect(firsts(await readDataSet({ ...spec, split: "test" }, folder))).toEqual([3]);
    expect(await refusal({ ...spec, split: "train", fracTrain: 0.5 })).toContain("splits of their own");
    expect(await refusal({ ...spec, inputsName: "x_train", labelsName: "y_train", split: "test" })).toContain("no split of their own");
  });
});

describe("token ids", () => {
  const spec: DataSpec = { kind: "safetensors", inputs: "tokens.safetensors" };

  it("may have one label per position, or the next token", async () => {
    const own = await readDataSet({ ...spec, limit: 1 }, folder);
    expect([...own.inputs.values]).toEqual([5, 6, 7]);
    expect([...own.labels!]).toEqual([6, 7, 0]);
    const next = await readDataSet({ ...spec, nextToken: true }, folder);
    expect(next.inputs).toMatchObject({ kind: "tokens", positions: 2, count: 2, vocabulary: 10 });
    expect([...next.inputs.values]).toEqual([5, 6, 8, 9]);
    expect([...next.labels!]).toEqual([6, 7, 9, 4]);
    const numbers = await readDataSet({ ...spec, tokens: false, labelsName: "" }, folder);
    expect(numbers.inputs).toMatchObject({ kind: "vectors", width: 3 });
  });

  it("come from columns of numbers, too", async () => {
    const all = await readDataSet({ kind: "csv", inputs: "rows.csv", nextToken: true, limit: 2 }, folder);
    expect(all.inputs).toMatchObject({ kind: "tokens", positions: 2 });
    expect([...all.labels!]).toEqual([100, 0, 101, 1]);
    const labelled = await readDataSet({ kind: "csv", inputs: "rows.csv", tokens: true, limit: 2 }, folder);
    expect([[...labelled.inputs.values], [...labelled.labels!]]).toEqual([[0, 100, 1, 101], [0, 1]]);
  });

  it("refuses what fits badly", async () => {
    expect(await refusal({ ...spec, nextToken: true, labelsName: "labels" })).toContain("remove one");
    expect(await refusal({ ...spec, tokens: true, scale: 2 })).toContain("not rescaled");
    expect(await refusal({ kind: "safetensors", inputs: "named.safetensors", nextToken: true })).toContain("no next token");
    await writeFile(join(folder, "half.csv"), "0.5,1\n");
    expect(await refusal({ kind: "csv", inputs: "half.csv", tokens: true })).toContain("no token id");
  });
});

describe("fields", () => {
  it("are those of the schema, each used by some kind", () => {
    const { properties } = schema.definitions.data;
    const used = new Set(properties.kind.enum.flatMap((kind) => fieldsOfKind(kind as DataSpec["kind"])));
    expect([...used].sort()).toEqual(Object.keys(properties).sort());
  });

  it("that would be ignored are refused", async () => {
    expect(await refusal({ kind: "csv", inputs: "rows.csv", modulus: 5 })).toContain("\"modulus\" means nothing");
  });
});
