import { ByteWriter } from "hyparquet-writer";
import { deltaBinaryPack, deltaLengthByteArray } from "hyparquet-writer/src/delta.js";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { readParquet } from "../../../server/src/formats/data/parquet";
import { FormatError } from "../../../server/src/formats/modelFile";
import type { DataSpec } from "../../../server/src/protocol/spec";
import { readDelta } from "../../../server/src/formats/parquet/delta";
import { readDeltaTexts } from "../../../server/src/formats/parquet/deltaTexts";
import { unpackLz4 } from "../../../server/src/formats/parquet/lz4";
import { seededRandom } from "../../../server/src/core/random";
import { numbersOf } from "./numbers";
import { listSchema, parquetFile, smallParquetFiles, zstdCompressSync } from "./parquetFiles";

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
  ["snappy", {}], ["uncompressed", { codec: "UNCOMPRESSED" }], ["gzip", { codec: "GZIP" }], ["Brotli", { codec: "BROTLI" }], ["LZ4", { codec: "LZ4_RAW" }],
  ["Zstandard (Node 22.15 or newer)", { codec: "ZSTD" }], ["small pages and row groups", { rowGroupSize: [7, 400], pageSize: 500 }],
] as const)("a table, %s", (_name, options) => {
  // Skipped and not left out, so that a run says what it has not tried.
  const test = it.skipIf("codec" in options && options.codec === "ZSTD" && !zstdCompressSync);

  test.each(["FLOAT", "DOUBLE", "INT32", "INT64", "BOOLEAN"] as const)("gives back its numbers (%s)", async (type) => {
    const values = type === "BOOLEAN" ? Array.from(few, (value) => value > 2) : type === "INT64" ? Array.from(numbers, (value) => BigInt(value)) : [...numbers];
    const file = parquetFile([{ name: "a", data: values, type }, { name: "b", data: few, type: "INT32" }, { name: "y", data: few, type: "INT32", nullable: false }], options as object);
    const { inputs, labels } = await read(file);
    expect(inputs).toMatchObject({ kind: "vectors", count: rows, width: 2 });
    expect(numbersOf(inputs)).toEqual(Array.from({ length: rows }, (_, i) => [Number(values[i]), few[i]!]).flat());
    expect([...labels!]).toEqual(few);
  });

  test.each([false, true])("gives back its lists (required: %s)", async (required) => {
    const lists = Array.from({ length: rows }, (_, i) => [numbers[i]!, i, few[i]!, -1]);
    const schema = [{ name: "root", num_children: 1 }, ...listSchema("image", { type: "FLOAT" }, required)];
    const { inputs, labels } = await read(parquetFile([{ name: "image", data: lists }], { schema, ...options } as object));
    expect([inputs.count, labels]).toEqual([rows, null]);
    expect(numbersOf(inputs)).toEqual(lists.flat());
  });

  test.each([1, 7, 8, 1234])("keeps the first %i rows", async (limit) => {
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

describe("encodings", () => {
  const whole = Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? 2 ** 31 - 1 - i : i % 11 === 0 ? i - 2 ** 31 : numbers[i]!));
  const long = Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? 2n ** 63n - 1n - BigInt(i) : i % 11 === 0 ? BigInt(i) - 2n ** 63n : i % 3 === 0 ? 2n ** 40n * BigInt(i) : BigInt(-i)));
  const texts = few.map((value, i) => `${"class ".repeat(value)}\u00e9${i % 3}`);

  it("integers as differences, over the whole range of both types", async () => {
    const file = parquetFile([{ name: "a", data: Int32Array.from(whole), type: "INT32", encoding: "DELTA_BINARY_PACKED" }, { name: "b", data: BigInt64Array.from(long), type: "INT64", encoding: "DELTA_BINARY_PACKED" }], { pageSize: 5000 });
    expect(numbersOf((await read(file, { inputsName: "a", labelsName: "" })).inputs)).toEqual(whole.map(Math.fround));
    expect(numbersOf((await read(file, { inputsName: "b", labelsName: "" })).inputs)).toEqual(Array.from(long, Number).map(Math.fround));
  });

  it.each([0, 1, 2, 32, 33, 128, 129, 130])("differences of %i numbers", (count) => {
    const written = new ByteWriter();
    deltaBinaryPack(written, long.slice(0, count), "INT64");
    const bytes = new Uint8Array(written.getBuffer());
    const { values, end } = readDelta(bytes, "INT64", count, "here");
    expect([Array.from(values), end]).toEqual([Array.from(long.slice(0, count), Number), bytes.length]);
    const short = new ByteWriter();
    deltaBinaryPack(short, whole.slice(0, count), "INT32");
    expect(Array.from(readDelta(new Uint8Array(short.getBuffer()), "INT32", count, "here").values)).toEqual(whole.slice(0, count));
  });

  it("the example of the format's specification: 7, 5, 3, 1, 2, 3, 4, 5", () => {
    // blocks of 128 in 4 groups, 8 numbers, the first is 7; least difference -2; 2 bits each: 0 0 0 3 3 3 3
    const bytes = Uint8Array.from([0x80, 1, 4, 8, 14, 3, 2, 0, 0, 0, 0b11000000, 0b00111111, 0, 0, 0, 0, 0, 0]);
    const read = readDelta(bytes, "INT32", 8, "here");
    expect([[...read.values], read.end]).toEqual([[7, 5, 3, 1, 2, 3, 4, 5], bytes.length]);
  });

  it.each(["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"] as const)("texts by %s", async (encoding) => {
    const file = parquetFile([{ name: "a", data: numbers, type: "DOUBLE" }, { name: "label", data: texts, type: "STRING", encoding }], { pageSize: 3000 });
    const { labels, classNames } = await read(file);
    expect(Array.from(labels!, (label) => classNames![label])).toEqual(texts);
  });

  it.each(["FLOAT", "DOUBLE", "INT32", "INT64"] as const)("numbers in streams of bytes (%s)", async (type) => {
    const data = type === "INT64" ? Array.from(numbers, (value) => BigInt(value)) : [...numbers];
    const { inputs } = await read(parquetFile([{ name: "a", data, type, encoding: "BYTE_STREAM_SPLIT" }]), { labelsName: "" });
    expect(numbersOf(inputs)).toEqual([...numbers]);
  });

  it("a short page that repeats a long text is refused before it fills the memory", () => {
    const written = new ByteWriter();
    const count = 2000;
    const length = 2 ** 17;
    deltaBinaryPack(written, Array.from({ length: count }, (_, i) => (i === 0 ? 0 : length)), "INT32");
    deltaLengthByteArray(written, Array.from({ length: count }, (_, i) => new Uint8Array(i === 0 ? length : 0)));
    expect(() => readDeltaTexts(new Uint8Array(written.getBuffer()), count, "here")).toThrow("here has a page with more than 134217728 bytes of text; write smaller pages.");
  });
});

describe("LZ4", () => {
  const unpack = (bytes: readonly number[], size: number): string => new TextDecoder().decode(unpackLz4(Uint8Array.from(bytes), size, "here"));
  const letters = (text: string): number[] => [...new TextEncoder().encode(text)];

  it("reads literals, copies that overlap themselves, and long lengths", () => {
    expect(unpack([0x50, ...letters("hello")], 5)).toBe("hello");
    expect(unpack([0x22, ...letters("ab"), 2, 0, 0x10, ...letters("z")], 9)).toBe("ababababz");
    expect(unpack([0x1f, ...letters("a"), 1, 0, 255, 3, 0x10, ...letters("b")], 279)).toBe(`${"a".repeat(278)}b`);
  });

  it.each([
    ["a copy from before the beginning", [0x10, 97, 2, 0, 0x10, 98], 6], ["a copy of nothing", [0x10, 97, 0, 0, 0x10, 98], 6], ["more than the page says", [0x50, ...letters("hello")], 4],
    ["less than the page says", [0x50, ...letters("hello")], 6], ["a length without an end", [0xf0, 255, 255], 1000], ["nothing", [], 0], ["a copy at the end", [0x10, 97, 1, 0], 5],
  ])("refuses %s", (_name, bytes, size) => {
    expect(() => unpack(bytes, size)).toThrow("here cannot be unpacked; the file is damaged, copy or write it again.");
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

  it("compressions that are not read", async () => {
    const compressed = (codec: "LZO" | "LZ4" | "ZSTD"): Uint8Array => parquetFile([{ name: "a", data: [1, 2, 3], type: "DOUBLE" }], { codec, compressors: { [codec]: (bytes: Uint8Array) => bytes } });
    expect(await rejection(compressed("LZO"), { labelsName: "" })).toMatch(/compressed with LZO, which is not read; write the file with Snappy, gzip, Brotli, Zstandard, LZ4_RAW or without compression\.$/);
    expect(await rejection(compressed("LZ4"), { labelsName: "" })).toMatch(/compressed with LZ4 in Hadoop's frames, which is not read; write/);
    expect(await rejection(compressed("ZSTD"), { labelsName: "" })).toMatch(zstdCompressSync ? /cannot be unpacked; the file is damaged/ : /compressed with Zstandard, which needs Node 22\.15 or newer \(this is 2.*\); use that, or write the file with/);
  });

  it("every file that was cut off", async () => {
    for (const file of smallParquetFiles()) {
      for (let end = 0; end < file.length; end += 5) expect(await rejection(file.subarray(0, end))).toMatch(/^data\.parquet/);
    }
  });
});
