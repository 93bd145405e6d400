import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../../server/src/formats/bytes/byteSource";
import { FormatError } from "../../../server/src/formats/modelFile";
import { mergePairs } from "../../../server/src/formats/tokenizers/mergePairs";
import { openTokenizer, readTokenizer } from "../../../server/src/formats/tokenizers/openTokenizer";
import type { TextTokenizer } from "../../../server/src/formats/tokenizers/textTokenizer";
import { seededIntegers } from "../../fuzz/mutations";
import { sharedData } from "../sharedData";
import { byteLevelJson, llama2File, spacedJson } from "./tokenizerFiles";

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), "tokenizers-")); });
afterAll(async () => { await rm(folder, { recursive: true }); });

const opened = (contents: string | Uint8Array, merges: string | null = null): Promise<TextTokenizer> =>
  readTokenizer(memorySource(typeof contents === "string" ? new TextEncoder().encode(contents) : contents, "tokenizer"), merges);
const edited = (change: (json: ReturnType<typeof byteLevelJson>) => void): string => {
  const json = byteLevelJson();
  change(json);
  return JSON.stringify(json);
};
async function refusal(contents: string | Uint8Array): Promise<string> {
  const error: unknown = await opened(contents).then(() => null, (e: unknown) => e);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

/** Random text of every plane, with runs of spaces, line breaks, combining marks and emoji. */
function randomText(seed: number): string {
  const random = seededIntegers(seed);
  const pick = (): number => {
    const scalar = [random(0x80), random(0x800), random(0xd800), 0xe000 + random(0x1fff), 0x10000 + random(0xfffff), 0x20, 0x0a, 0x1f600 + random(64)][random(8)]!;
    return scalar;
  };
  return Array.from({ length: random(40) }, () => String.fromCodePoint(pick())).join("");
}

describe("gpt2", () => {
  const file = sharedData("text", "gpt2_tokenizer.json");
  const folderFile = sharedData("tiny-gpt2");
  it.skipIf(file === null)("gives the published ids (skipped without the shared data)", async () => {
    const gpt2 = await openTokenizer(file!);
    expect(gpt2.vocabulary).toBe(50257);
    expect(gpt2.encode("Hello, world!")).toEqual([15496, 11, 995, 0]);
    expect(gpt2.encode("The quick brown fox jumps over the lazy dog")).toEqual([464, 2068, 7586, 21831, 18045, 625, 262, 16931, 3290]);
    expect(gpt2.idOf("<|endoftext|>")).toBe(50256);
    expect(gpt2.documentStart).toBe("<|endoftext|>");
    expect(gpt2.tokenText(995)).toBe(" world");
    for (let seed = 0; seed < 500; seed++) expect(gpt2.decode(gpt2.encode(randomText(seed)))).toBe(randomText(seed));
  });

  it.skipIf(file === null || folderFile === null)("is the same from vocab.json and merges.txt", async () => {
    const [one, other] = [await openTokenizer(file!), await openTokenizer(folderFile!)];
    expect(other.format).toBe("vocab.json and merges.txt");
    for (let seed = 0; seed < 200; seed++) expect(other.encode(randomText(seed))).toEqual(one.encode(randomText(seed)));
  });
});

describe("tokenizer of llama2.c", () => {
  const file = sharedData("stories260K", "tok512.bin");
  it.skipIf(file === null)("encodes as llama2.c does (skipped without the shared data)", async () => {
    const tok512 = await openTokenizer(file!);
    expect(tok512.vocabulary).toBe(512);
    expect([tok512.documentStart, tok512.idOf("<s>"), tok512.idOf("</s>")]).toEqual(["<s>", 1, 2]);
    expect(tok512.encode("Once upon a time")).toEqual([403, 407, 261, 378]);
    expect(tok512.decode([1, 403, 407, 261, 378])).toBe("Once upon a time");
    expect(tok512.tokenText(403)).toBe(" Once");
    for (let seed = 0; seed < 500; seed++) expect(tok512.decode(tok512.encode(randomText(seed)))).toBe(randomText(seed));
  });

  it("round-trips random text with bytes for what has no token, and never makes a special token of text", async () => {
    const tokenizer = await opened(llama2File(["a", "b", "ab", " ", " ab", "\u00e9"]));
    for (let seed = 0; seed < 500; seed++) expect(tokenizer.decode(tokenizer.encode(randomText(seed)))).toBe(randomText(seed));
    expect(tokenizer.encode("<s><0x41>").every((id) => id > 2)).toBe(true);
    expect(tokenizer.encode("ab")).toEqual([tokenizer.idOf(" ab")]);
  });

  it("merges the pair of the highest score first, the leftmost of equals", () => {
    // Symbols 0 = a, 1 = b; 00 -> 2 (late), 01 -> 3 (early), 31 -> 4.
    const merges = new Map([["0 0", { merged: 2, order: 5 }], ["0 1", { merged: 3, order: 1 }], ["3 1", { merged: 4, order: 2 }]]);
    const merge = (symbols: number[]): number[] => mergePairs(symbols, (a, b) => merges.get(`${a} ${b}`) ?? null);
    expect(merge([0, 0, 1, 1])).toEqual([0, 4]);
    expect(merge([0, 0, 0])).toEqual([2, 0]);
    expect(merge([])).toEqual([]);
  });

  it("agrees with merging by scanning all pairs again and again", () => {
    const random = seededIntegers(7);
    const table = new Map<string, { merged: number; order: number }>();
    for (let i = 0; i < 60; i++) table.set(`${random(12)} ${random(12)}`, { merged: 4 + random(12), order: random(6) });
    const of = (a: number, b: number): { merged: number; order: number } | null => table.get(`${a} ${b}`) ?? null;
    for (let i = 0; i < 300; i++) {
      const symbols = Array.from({ length: random(30) }, () => random(4));
      const slow = [...symbols];
      for (;;) {
        let best: { at: number; order: number; merged: number } | null = null;
        for (let at = 0; at + 1 < slow.length; at++) {
          const found = of(slow[at]!, slow[at + 1]!);
          if (found !== null && (best === null || found.order < best.order)) best = { at, ...found };
        }
        if (best === null) break;
        slow.splice(best.at, 2, best.merged);
      }
      expect(mergePairs(symbols, of)).toEqual(slow);
    }
  });

  it.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ["a cut file", (bytes) => bytes.subarray(0, bytes.length - 1), "damaged"],
    ["other byte tokens", () => llama2File([], (byte) => `[${byte}]`), "byte tokens"],
    ["an endless score", (bytes) => { const out = bytes.slice(); new DataView(out.buffer).setFloat32(4, Infinity, true); return out; }, "score"],
  ])("refuses %s", async (_what, change, words) => {
    expect(await refusal(change(llama2File(["a"])))).toContain(words);
  });
});

describe("tokenizer.json", () => {
  it("reads byte-level merges, and every text comes back", async () => {
    const tokenizer = await opened(JSON.stringify(byteLevelJson()));
    expect(tokenizer.encode("ab ab<end>")).toEqual([256, 257, 258]);
    for (let seed = 0; seed < 300; seed++) expect(tokenizer.decode(tokenizer.encode(randomText(seed)))).toBe(randomText(seed));
  });

  it("reads merges with spaces as tokens and bytes for the rest (Llama 2)", async () => {
    const tokenizer = await opened(JSON.stringify(spacedJson()));
    expect(tokenizer.encode("ab a")).toEqual([tokenizer.idOf("\u2581ab"), tokenizer.idOf("\u2581"), tokenizer.idOf("a")]);
    expect(tokenizer.tokenText(tokenizer.idOf("\u2581ab")!)).toBe(" ab");
    for (let seed = 0; seed < 300; seed++) {
      // The normalizer makes a space of this character: it cannot come back.
      const text = randomText(seed).replaceAll("\u2581", "");
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });

  it.each<[string, string, string]>([
    ["another model", edited((json) => { json.model.type = "Unigram"; }), "byte-pair models"],
    ["random merges", edited((json) => { (json.model as Record<string, unknown>)["dropout"] = 0.1; }), "dropout"],
    ["a pattern of its own", edited((json) => { json.pre_tokenizer = { type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated" }; }), "patterns from files are not run"],
    ["an unknown step", edited((json) => { json.pre_tokenizer = { type: "Precompiled" }; }), "Precompiled"],
    ["texts that grow", edited((json) => { json.normalizer = { type: "Replace", pattern: { String: "a" }, content: "aa" }; }), "longer"],
    ["a merge without a token", edited((json) => { json.model.merges.push("a z"); }), "merge 2"],
    ["two tokens with one id", edited((json) => { json.model.vocab["ab"] = 0; }), "no id of its own"],
    ["a missing byte", edited((json) => { delete json.model.vocab["a"]; json.model.merges = []; }), "lacks the byte"],
    ["no JSON", "{", "JSON"],
    ["something else", "hello", "no tokenizer"],
  ])("refuses %s", async (_what, text, words) => {
    expect(await refusal(text)).toContain(words);
  });

  it("names a folder without a tokenizer, and a vocabulary without merges", async () => {
    await expect(openTokenizer(folder)).rejects.toThrow("folder without tokenizer.json");
    await writeFile(join(folder, "vocab.json"), "{}");
    await expect(openTokenizer(folder)).rejects.toThrow("merges.txt");
    expect(await readFile(join(folder, "vocab.json"), "utf8")).toBe("{}");
  });
});
