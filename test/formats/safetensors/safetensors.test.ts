import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { FormatError } from "../../../server/src/formats/modelFile";
import { openSafetensors, safetensorsFrom } from "../../../server/src/formats/safetensors/openSafetensors";
import { writeSafetensors } from "../../../server/src/formats/safetensors/writeSafetensors";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "safetensors-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });

/** A file made of this header and `dataBytes` zero bytes. */
function craft(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const openCrafted = (header: unknown, dataBytes: number) => safetensorsFrom(memorySource(craft(header, dataBytes), "crafted.safetensors"));

describe("writeSafetensors and openSafetensors", () => {
  it("give back every value, shape and metadata string", async () => {
    const path = join(folder, "round.safetensors");
    await writeSafetensors(path, [
      { name: "edges/0", dtype: "F32", shape: [3], data: Float32Array.of(1.5, -0, Infinity) },
      { name: "C/0", dtype: "F64", shape: [2, 2], data: Float64Array.of(Math.PI, -1e-300, 2 ** 60, NaN) },
      { name: "ids", dtype: "I32", shape: [1, 2], data: Int32Array.of(-5, 7) },
      { name: "empty", dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
      { name: "scalar", dtype: "F64", shape: [], data: Float64Array.of(-Infinity) },
      { name: "__proto__", dtype: "F32", shape: [1], data: Float32Array.of(3) },
    ], { json: "{\"a\": \"é\"}" });
    const file = await openSafetensors(path);
    expect(file.format).toBe("safetensors");
    expect([...file.metadata]).toEqual([["json", "{\"a\": \"é\"}"]]);
    expect(file.tensors.map((t) => t.name).sort()).toEqual(["C/0", "__proto__", "edges/0", "empty", "ids", "scalar"]);
    expect(await file.read("C/0")).toEqual(Float64Array.of(Math.PI, -1e-300, 2 ** 60, NaN));
    expect(await file.read("edges/0")).toEqual(Float32Array.of(1.5, -0, Infinity));
    expect(await file.read("ids")).toEqual(Int32Array.of(-5, 7));
    expect(await file.read("empty")).toEqual(new Float32Array(0));
    expect(await file.read("scalar")).toEqual(Float64Array.of(-Infinity));
    expect(await file.read("__proto__")).toEqual(Float32Array.of(3));
    await expect(file.read("nothing")).rejects.toThrow(FormatError);
    await file.close();
  });

  it("aligns every tensor to its element size, as the format's own readers expect", async () => {
    const path = join(folder, "aligned.safetensors");
    await writeSafetensors(path, [
      { name: "b", dtype: "F32", shape: [1], data: Float32Array.of(1) },
      { name: "a", dtype: "F64", shape: [1], data: Float64Array.of(2) },
    ], {});
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    const header = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
    expect(header).toEqual({ a: expect.objectContaining({ data_offsets: [0, 8] }), b: expect.objectContaining({ data_offsets: [8, 12] }) });
  });

  it("replaces the old file only by a complete new one and leaves no temporary file", async () => {
    const path = join(folder, "kept.safetensors");
    await writeFile(path, "old");
    const hostile = { name: "x", dtype: "F64" as const, shape: [1], get data(): Float64Array { throw new Error("data are gone"); } };
    await expect(writeSafetensors(path, [hostile], {})).rejects.toThrow("data are gone");
    expect(await readFile(path, "utf8")).toBe("old");
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("refuses wrong lengths and repeated names", async () => {
    const path = join(folder, "never.safetensors");
    const x = { name: "x", dtype: "F32", shape: [2], data: Float32Array.of(1) } as const;
    await expect(writeSafetensors(path, [x], {})).rejects.toThrow("needs 2 values, got 1");
    const y = { name: "y", dtype: "F32", shape: [1], data: Float32Array.of(1) } as const;
    await expect(writeSafetensors(path, [y, y], {})).rejects.toThrow("used twice");
  });
});

describe("hostile safetensors files", () => {
  const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({ dtype: "F32", shape, data_offsets: [begin, end] });
  const cases: [string, unknown, number, string][] = [
    ["tensor past the end", { a: f32(0, 8) }, 4, "outside the file"],
    ["negative offset", { a: f32(-4, 0) }, 4, "outside the file"],
    ["size and shape disagree", { a: f32(0, 8, [3]) }, 8, "needs 12"],
    ["overlap", { a: f32(0, 8), b: f32(4, 12) }, 12, "overlap"],
    ["negative extent", { a: f32(0, 4, [-1]) }, 4, "impossible extent"],
    ["text as extent", { a: f32(0, 4, ["1"]) }, 4, "impossible extent"],
    ["product beyond 2^53", { a: f32(0, 4, [2 ** 40, 2 ** 40]) }, 4, "more elements than any file"],
    ["not JSON", "{nonsense", 0, "not JSON"],
    ["a million brackets", "{\"a\":" + "[".repeat(1_000_000), 0, "nested more than"],
    ["a list", "[1, 2]", 0, "not a JSON object"],
    ["entry without dtype", { a: { shape: [1] } }, 4, "lacks dtype"],
    ["a tensor twice", '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}', 8, "gives a name twice"],
    ["a shape twice", '{"a": {"dtype": "F32", "shape": [1], "shape": [1], "data_offsets": [0, 4]}}', 4, "gives a name twice"],
    ["not a number", '{"a": {"dtype": "F32", "shape": [NaN], "data_offsets": [0, 4]}}', 4, "not JSON"],
    ["an extent beyond all numbers", '{"a": {"dtype": "F32", "shape": [1e999], "data_offsets": [0, 4]}}', 4, "impossible extent"],
    ["ten thousand axes", { a: f32(0, 4, new Array(10_000).fill(1)) }, 4, "at most 64"],
  ];
  it.each(cases)("%s", async (_title, header, dataBytes, message) => {
    await expect(openCrafted(header, dataBytes)).rejects.toThrow(FormatError);
    await expect(openCrafted(header, dataBytes)).rejects.toThrow(message);
  });

  it("header length beyond the file", async () => {
    const bytes = craft({}, 0);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 63n, true);
    await expect(safetensorsFrom(memorySource(bytes, "x"))).rejects.toThrow("claims");
  });

  it("takes colons, braces and quotes in names for what they are", async () => {
    const names = ["a:b", "{\"c\": 1}", "\\\":", "__proto__", "1"];
    const header = Object.fromEntries(names.map((name, i) => [name, f32(4 * i, 4 * i + 4)]));
    const file = await openCrafted(`{${Object.entries(header).map(([name, entry]) => `${JSON.stringify(name)}: ${JSON.stringify(entry)}`).join(", ")}}`, 20);
    expect(file.tensors.map((t) => t.name).sort()).toEqual([...names].sort());
  });

  it("lists what it can and names what it cannot", async () => {
    const file = await openCrafted({ a: f32(0, 4), b: { dtype: "F4", shape: [8], data_offsets: [4, 8] } }, 8);
    expect(file.tensors.map((t) => t.name)).toEqual(["a"]);
    expect(file.notes).toEqual([expect.stringContaining("F4")]);
  });
});
