import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DataSpec } from "../../../server/src/protocol/spec";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { documents } from "../../../server/src/formats/data/documents";
import type { DataSet } from "../../../server/src/formats/dataSet";
import { FormatError } from "../../../server/src/formats/modelFile";
import { dataSetIdentity, readDataSet } from "../../../server/src/formats/readDataSet";
import { openTokenizer } from "../../../server/src/formats/tokenizers/openTokenizer";
import { sharedData } from "../sharedData";
import { byteLevelJson, llama2File } from "../tokenizers/tokenizerFiles";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "text-"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(byteLevelJson()));
  await writeFile(join(folder, "tokenizer.bin"), llama2File(["a", "b", " "]));
});
afterAll(async () => { await rm(folder, { recursive: true }); });

const spec: DataSpec = { kind: "text", inputs: "t.txt", tokenizer: "tokenizer.json", contextLength: 4, separator: "<end>" };
const end = 258;

async function read(text: string | Buffer, more: Partial<DataSpec> = {}): Promise<{ rows: number[][]; labels: number[][]; set: DataSet }> {
  const chosen = { ...spec, ...more };
  await writeFile(join(folder, chosen.inputs!), text);
  const set = await readDataSet(chosen, folder);
  const { inputs } = set;
  if (inputs.kind !== "tokens") throw new Error("expected tokens");
  const rowsOf = (values: Int32Array): number[][] => Array.from({ length: inputs.count }, (_, i) => [...values.subarray(i * inputs.positions, (i + 1) * inputs.positions)]);
  return { rows: rowsOf(inputs.values), labels: rowsOf(set.labels!), set };
}
async function refusal(text: string | Buffer, more: Partial<DataSpec> = {}): Promise<string> {
  const error: unknown = await read(text, more).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}
const bytes = (text: string): number[] => [...Buffer.from(text)];

describe("text", () => {
  it("packs documents one after the other; labels are the next tokens", async () => {
    const { rows, labels, set } = await read("xyz\n<|endoftext|>\nuvwX\n");
    // <end> x y z <end> u v w X \n
    expect(rows).toEqual([[end, ...bytes("xyz")], [end, ...bytes("uvw")]]);
    expect(labels).toEqual([[...bytes("xyz"), end], bytes("uvwX")]);
    expect(set.inputs).toMatchObject({ vocabulary: 259 });
    expect(set.tokenText!(257)).toBe(" ab");
  });

  it("puts a token in front of every sample where asked, and none before documents", async () => {
    const { rows, labels } = await read("uvwxyz1", { startToken: "<end>", separator: "" });
    expect(rows).toEqual([[end, ...bytes("uvw")], [end, ...bytes("xyz")]]);
    expect(labels).toEqual([bytes("uvwx"), bytes("xyz1")]);
  });

  it("knows the usual token before a document", async () => {
    const { rows } = await read("bb", { separator: undefined as never, tokenizer: "tokenizer.bin", contextLength: 3 });
    const tokenizer = await openTokenizer(join(folder, "tokenizer.bin"));
    expect(rows).toEqual([[1, ...tokenizer.encode("bb").slice(0, 2)]]);
  });

  it("reads the same documents from every kind of file", async () => {
    const files: [string, string, Partial<DataSpec>][] = [
      ["d.jsonl", "{\"text\": \"xyz\"}\n\n\"uvwX\"\n", {}],
      ["d.ndjson", "{\"a\": 1, \"story\": \"xyz\"}\n{\"story\": \"uvwX\"}", { inputsName: "story" }],
      ["d.json", "[\"xyz\", {\"text\": \"uvwX\"}]", {}],
      ["d.csv", "id,text\n1,xyz\n2,\"uvwX\"\n", {}],
      ["d.tsv", "id\tbody\n1\txyz\n2\tuvwX\n", { inputsName: "body" }],
    ];
    const expected = (await read("xyz\n<|endoftext|>\nuvwX")).rows;
    for (const [inputs, text, more] of files) expect((await read(text, { inputs, ...more })).rows).toEqual(expected);
  });

  it("stops at the limit, and divides samples with fracTrain", async () => {
    const text = Array.from({ length: 100 }, (_, i) => String.fromCharCode(33 + i % 60)).join("");
    const all = await read(text);
    expect(all.rows.length).toBe(25);
    expect((await read(text, { limit: 3 })).rows).toEqual(all.rows.slice(0, 3));
    const parts = await Promise.all((["train", "test"] as const).map((split) => readDataSet({ ...spec, fracTrain: 0.6, split }, folder)));
    expect(parts.map((part) => part.inputs.count)).toEqual([15, 10]);
    // Labels stay beside their inputs.
    for (const part of parts) for (let i = 0; i < part.inputs.count; i++) expect([...part.labels!.subarray(4 * i, 4 * i + 3)]).toEqual([...part.inputs.values.subarray(4 * i + 1, 4 * i + 4)]);
    const seen = parts.flatMap((part) => Array.from({ length: part.inputs.count }, (_, i) => part.inputs.values.slice(4 * i, 4 * i + 4).join()));
    expect(seen.sort()).toEqual(all.rows.map((row) => row.join()).sort());
  });

  it("follows the contents of text and tokenizer", async () => {
    await read("one two three", { inputs: "one.txt" });
    await read("one two three", { inputs: "two.txt" });
    await writeFile(join(folder, "other.json"), JSON.stringify({ ...byteLevelJson(), added_tokens: [{ id: 258, content: "<end>" }, { id: 259, content: "<x>" }] }));
    const identity = (more: Partial<DataSpec>): Promise<string> => dataSetIdentity({ ...spec, ...more }, folder);
    expect(await identity({ inputs: "one.txt" })).toBe(await identity({ inputs: "two.txt" }));
    expect(await identity({ inputs: "one.txt" })).not.toBe(await identity({ inputs: "one.txt", tokenizer: "other.json" }));
  });

  it("is cancelled between pieces", async () => {
    await writeFile(join(folder, "long.jsonl"), "\"abcdefgh\"\n".repeat(100));
    let left = 5;
    const checkCancelled = (): void => { if (--left < 0) throw new Error("cancelled"); };
    await expect(readDataSet({ ...spec, inputs: "long.jsonl" }, folder, undefined, undefined, { checkCancelled })).rejects.toThrow("cancelled");
  });

  it.each<[string, Partial<DataSpec>, string, string]>([
    ["no tokenizer", { tokenizer: undefined as never }, "abc", "\"tokenizer\""],
    ["an absent tokenizer", { tokenizer: "gone.json" }, "abc", "gone.json"],
    ["too few tokens", {}, "abc", "too few"],
    ["an unknown separator", { separator: "<x>" }, "abcdef", "\"<x>\""],
    ["a field of plain text", { inputsName: "story" }, "abcdef", "plain text"],
    ["a missing field", { inputs: "e.jsonl" }, "{\"a\": \"b\"}\n", "line 1 has no text in a field \"text\" but a"],
    ["broken lines", { inputs: "e.jsonl" }, "\"a\"\n{\n", "line 2 is not JSON"],
    ["no list", { inputs: "e.json" }, "{}", "no list"],
    ["a missing column", { inputs: "e.csv" }, "a,b\n1,2\n", "no column \"text\""],
    ["a field of other kinds", { scale: 2 }, "abcdef", "\"scale\" means nothing"],
    ["a split that is not there", { split: "train" }, "abcdefgh", "no split of their own"],
  ])("refuses %s", async (_what, more, text, words) => {
    expect(await refusal(text, more)).toContain(words);
  });

  it("refuses what is not UTF-8", async () => {
    expect(await refusal(Buffer.from([0x61, 0xff]))).toContain("UTF-8");
  });

  const shakespeare = sharedData("text", "tinyshakespeare.txt");
  const gpt2 = sharedData("text", "gpt2_tokenizer.json");
  it.skipIf(shakespeare === null || gpt2 === null)("cuts long texts where no token is changed (skipped without the shared data)", async () => {
    const text = await readFile(shakespeare!, "utf8");
    const tokenizer = await openTokenizer(gpt2!);
    const pieces: string[] = [];
    for await (const piece of documents(memorySource(Buffer.from(text), "t.txt"), undefined)) pieces.push(piece.text);
    expect(pieces.length).toBe(2);
    expect(pieces.join("")).toBe(text);
    // Around the cut.
    const cut = pieces[0]!.length;
    expect([...tokenizer.encode(text.slice(cut - 1000, cut)), ...tokenizer.encode(text.slice(cut, cut + 1000))]).toEqual([...tokenizer.encode(text.slice(cut - 1000, cut + 1000))]);
  });
});
