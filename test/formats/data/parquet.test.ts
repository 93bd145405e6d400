import { describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { readParquet } from "../../../server/src/formats/data/parquet";
import { FormatError } from "../../../server/src/formats/modelFile";
import type { DataSpec } from "../../../server/src/protocol/spec";
import { seededRandom } from "../../../server/src/core/random";
import { numbersOf } from "./numbers";
import { listSchema, parquetFile, smallParquetFiles } from "./parquetFiles";

const signals = { checkCancelled: (): void => undefined };
const read = (bytes: Uint8Array, spec: Partial<DataSpec> = {}): ReturnType<typeof readParquet> => readParquet(memorySource(bytes, "data.parquet"), { kind: "parquet", ...spec }, signals);
async function rejection(bytes: Uint8Array, spec: Partial<DataSpec> = {}): Promise<string> {
  const error: unknown = await read(bytes, spec).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

const rows = 3000;
const random = seededRandom(5);
const numbers = Float64Array.from({ length: rows }, () => Math.round(2000 * (random() - 0.5)));
const few = Array.from(numbers, (value) => Math.abs(value) % 5);

describe.each([
  ["snappy", {}], ["uncompressed", { codec: "UNCOMPRESSED" }], ["gzip", { codec: "GZIP" }], ["small pages and row groups", { rowGroupSize: [7, 400], pageSize: 500 }],
] as const)("a table, %s", (_name, options) => {
  it.each(["FLOAT", "DOUBLE", "INT32", "INT64", "BOOLEAN"] as const)("gives back its numbers (%s)", async (type) => {
    const values = type === "BOOLEAN" ? Array.from(few, (value) => value > 2) : type === "INT64" ? Array.from(numbers, (value) => BigInt(value)) : [...numbers];
    const file = parquetFile([{ name: "a", data: values, type }, { name: "b", data: few, type: "INT32" }, { name: "y", data: few, type: "INT32", nullable: false }], options as object);
    const { inputs, labels } = await read(file);
    expect(inputs).toMatchObject({ kind: "vectors", count: rows, width: 2 });
    expect(numbersOf(inputs)).toEqual(Array.from({ length: rows }, (_, i) => [Number(values[i]), few[i]!]).flat());
    expect([...labels!]).toEqual(few);
  });

  it.each([false, true])("gives back its lists (required: %s)", async (required) => {
    const lists = Array.from({ length: rows }, (_, i) => [numbers[i]!, i, few[i]!, -1]);
    const schema = [{ name: "root", num_children: 1 }, ...listSchema("image", { type: "FLOAT" }, required)];
    const { inputs, labels } = await read(parquetFile([{ name: "image", data: lists }], { schema, ...options } as object));
    expect([inputs.count, labels]).toEqual([rows, null]);
    expect(numbersOf(inputs)).toEqual(lists.flat());
  });

  it.each([1, 7, 8, 1234])("keeps the first %i rows", async (limit) => {
    const schema = [{ name: "root", num_children: 2 }, ...listSchema("x", { type: "DOUBLE" }), { name: "label", type: "BYTE_ARRAY", converted_type: "UTF8" }];
    const file = parquetFile([{ name: "x", data: few.map((value, i) => [i, value]) }, { name: "label", data: few.map((value) => `class ${value}`) }], { schema, ...options } as object);
    const { inputs, labels, classNames } = await read(file, { limit });
    expect(numbersOf(inputs)).toEqual(few.slice(0, limit).flatMap((value, i) => [i, value]));
    expect(Array.from(labels!, (label) => classNames![label])).toEqual(few.slice(0, limit).map((value) => `class ${value}`));
  });
});

describe("what the columns mean", () => {
  const lists = few.map((value, i) => [value, i % 200, 255]);
  const table = (element: Parameters<typeof listSchema>[1]): Uint8Array => parquetFile(
    [{ name: "pixels", data: lists }, { name: "other", data: few }],
    { schema: [{ name: "root", num_children: 2 }, ...listSchema("pixels", element), { name: "other", type: "INT32" }] },
  );

  it("lists of bytes stay bytes and are divided by 255", async () => {
    const { inputs } = await read(table({ type: "INT32", converted_type: "UINT_8" }));
    expect(inputs.kind).toBe("bytes");
    expect(numbersOf(inputs)).toEqual(lists.flat().map((value) => Math.fround(value / 255)));
  });

  it("lists of larger integers are token ids, unless told otherwise", async () => {
    const file = table({ type: "INT32", converted_type: "INT_16" });
    expect((await read(file)).inputs).toMatchObject({ kind: "tokens", count: rows, positions: 3, vocabulary: 256 });
    expect((await read(file, { tokens: false })).inputs).toMatchObject({ kind: "vectors", width: 3 });
    const next = await read(file, { nextToken: true });
    expect(next.inputs).toMatchObject({ kind: "tokens", positions: 2 });
    expect([...next.labels!.subarray(0, 2)]).toEqual(lists[0]!.slice(1));
  });

  it("takes the columns that the spec names", async () => {
    const file = table({ type: "FLOAT" });
    expect((await read(file, { labelsName: "other" })).labels).toEqual(Int32Array.from(few));
    expect(numbersOf((await read(file, { inputsName: "other" })).inputs)).toEqual(few);
    expect(await rejection(file, { labelsName: "nothing" })).toBe("data.parquet has no column \"nothing\" (field \"labelsName\"), but \"pixels\", \"other\"; correct the name.");
  });
});

describe("what is refused, in one sentence", () => {
  it("missing values, lists of different lengths, texts as inputs", async () => {
    const missing = parquetFile([{ name: "a", data: [1, null, 3], type: "DOUBLE" }]);
    expect(await rejection(missing, { labelsName: "" })).toBe("data.parquet: column \"a\" has empty values or empty lists; leave those rows or the column out when you write the file.");
    const uneven = parquetFile([{ name: "x", data: [[1, 2], [3]] }], { schema: [{ name: "root", num_children: 1 }, ...listSchema("x", { type: "FLOAT" })] });
    expect(await rejection(uneven)).toBe("data.parquet: column \"x\" holds lists of 2 and of 1 values; all rows need the same number.");
    const text = parquetFile([{ name: "a", data: ["p", "q"], type: "STRING" }, { name: "b", data: [1, 2], type: "INT32" }]);
    expect(await rejection(text)).toBe("data.parquet: column \"a\" holds no numbers; name a column of numbers with \"inputsName\", or write the file without it.");
  });

  it("encodings and compressions that are not read", async () => {
    const split = parquetFile([{ name: "a", data: [...numbers], type: "FLOAT", encoding: "BYTE_STREAM_SPLIT" }]);
    expect(await rejection(split, { labelsName: "" })).toMatch(/written in the encoding BYTE_STREAM_SPLIT, which is not read; write it with a dictionary or plainly, as most programs do\.$/);
    const file = parquetFile([{ name: "a", data: [1, 2, 3], type: "DOUBLE" }], { codec: "ZSTD", compressors: { ZSTD: (bytes) => bytes } });
    expect(await rejection(file, { labelsName: "" })).toMatch(/compressed with Zstandard, which is not read; write the file with Snappy, gzip or without compression\.$/);
  });

  it("every file that was cut off", async () => {
    for (const file of smallParquetFiles()) {
      for (let end = 0; end < file.length; end += 5) expect(await rejection(file.subarray(0, end))).toMatch(/^data\.parquet/);
    }
  });
});
