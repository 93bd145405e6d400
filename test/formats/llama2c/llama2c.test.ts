import { describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { FormatError, type ModelFile } from "../../../server/src/formats/modelFile";
import { openModel, openModelFrom } from "../../../server/src/formats/openModel";
import { sharedData } from "../sharedData";
import { llama2cExport, smallExport, type ExportSizes } from "./exports";

const open = (bytes: Uint8Array): Promise<ModelFile> => openModelFrom(memorySource(bytes, "model.bin"));

/** First number of a tensor: its place in the file. */
const first = async (file: ModelFile, name: string): Promise<number> => (await file.read(name))[0]!;

describe("llama2.c exports", () => {
  it("of version 0 list each kind of tensor for all blocks, and skip the rotation tables before the unembedding", async () => {
    const file = await open(llama2cExport(smallExport, 0));
    expect(file.format).toBe("llama2.c");
    expect(file.metadata.get("llama2.c")).toMatchObject({ version: 0, width: 8, heads: 4, keyValueHeads: 2, vocabulary: 5, context: 3, tied: false });
    expect(file.tensors.find(({ name }) => name === "layers.1.attention.wk.weight")!.shape).toEqual([4, 8]);
    expect(file.tensors.find(({ name }) => name === "layers.0.feed_forward.w2.weight")!.shape).toEqual([8, 6]);
    expect(await first(file, "tok_embeddings.weight")).toBe(0);
    expect(await first(file, "layers.0.attention_norm.weight")).toBe(40);
    expect(await first(file, "layers.1.attention.wq.weight")).toBe(40 + 16 + 64);
    const norm = 40 + 16 + 2 * (64 + 32 + 32 + 64) + 16 + 3 * 2 * 48;
    expect(await first(file, "norm.weight")).toBe(norm);
    expect(await first(file, "output.weight")).toBe(norm + 8 + 3 * 2);
    expect((await file.read("output.weight")).length).toBe(40);
  });

  it("of version 1 begin with the norms and carry no tables", async () => {
    const file = await open(llama2cExport(smallExport, 1));
    expect(await first(file, "layers.1.attention_norm.weight")).toBe(8);
    expect(await first(file, "norm.weight")).toBe(32);
    expect(await first(file, "tok_embeddings.weight")).toBe(40);
    expect(await first(file, "output.weight")).toBe(40 + 40 + 2 * 192 + 3 * 2 * 48);
  });

  it.each([0, 1] as const)("of version %i hold no unembedding when it is tied, and every number is read once", async (version) => {
    const file = await open(llama2cExport({ ...smallExport, tied: true }, version));
    expect(file.tensors.some(({ name }) => name === "output.weight")).toBe(false);
    const all = (await Promise.all(file.tensors.map(async ({ name }) => [...await file.read(name)]))).flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: all.length }, (_, index) => index));
  });

  it("whose first byte is that of a pickle are told from one by their size", async () => {
    expect((await open(llama2cExport({ ...smallExport, width: 128 }, 0))).format).toBe("llama2.c");
  });

  it.each<[string, Partial<ExportSizes>]>([
    ["heads that do not divide the width", { heads: 3, keyValueHeads: 3 }],
    ["key-value heads that do not divide the heads", { keyValueHeads: 3 }],
    ["heads of odd width, which cannot be rotated", { width: 12, heads: 4 }],
  ])("with %s are of no known format", async (_, wrong) => {
    await expect(open(llama2cExport({ ...smallExport, ...wrong }, 0))).rejects.toThrow("no known format");
  });

  it("of another size than the header says are refused with a sentence", async () => {
    const whole = llama2cExport(smallExport, 1);
    await expect(open(whole.subarray(0, whole.length - 4))).rejects.toThrow("not what its llama2.c header says (width 8, 2 blocks");
    await expect(open(whole.subarray(0, 100))).rejects.toThrow("ends within its header");
    await expect(open(llama2cExport(smallExport, 0).subarray(4))).rejects.toThrow(FormatError);
  });

  it("of int8 weights are refused by name", async () => {
    const bytes = llama2cExport(smallExport, 1);
    bytes[4] = 2;
    await expect(open(bytes)).rejects.toThrow("version 2 (int8 weights)");
  });

  const stories = sharedData("stories260K/stories260K.bin");
  it.skipIf(stories === null)("stories260K: 5 blocks of 8 heads on 4 key-value heads, every value finite (skipped without ../shared/data)", async () => {
    const file = await openModel(stories!);
    expect(file.metadata.get("llama2.c")).toMatchObject({ width: 64, hiddenWidth: 172, blocks: 5, heads: 8, keyValueHeads: 4, vocabulary: 512, context: 512, tied: true });
    expect(file.tensors.length).toBe(2 + 5 * 9);
    for (const { name } of file.tensors) expect([...await file.read(name)].every(Number.isFinite), name).toBe(true);
    const gains = await file.read("norm.weight");
    expect(gains.every((gain) => gain > 0)).toBe(true);
    await file.close();
  });
});
