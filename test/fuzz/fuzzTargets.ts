/** @file What is fuzzed: for each reader a few small valid files, and how to read one. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { memorySource } from "../../server/src/formats/bytes/byteSource";
import { readCsv } from "../../server/src/formats/data/csv";
import { readTar } from "../../server/src/formats/data/images";
import { documents } from "../../server/src/formats/data/documents";
import { readParquet } from "../../server/src/formats/data/parquet";
import { readIdx } from "../../server/src/formats/data/idx";
import { decodeJpeg } from "../../server/src/formats/images/jpeg";
import { decodePng } from "../../server/src/formats/images/png";
import { openModelFrom } from "../../server/src/formats/openModel";
import { parseConfig } from "../../server/src/formats/sidecarConfig";
import { llama2cExport, smallExport } from "../formats/llama2c/exports";
import { readTokenizer } from "../../server/src/formats/tokenizers/openTokenizer";
import { jpegFile, pngFile, smallImages, tarOf } from "../formats/images/imageFiles";
import { packedPages, readPackedPage } from "../formats/data/packedPages";
import { smallParquetFiles } from "../formats/data/parquetFiles";
import { byteLevelJson, llama2File, spacedJson } from "../formats/tokenizers/tokenizerFiles";

export interface FuzzTarget {
  readonly seeds: readonly Uint8Array[];
  readonly read: (bytes: Uint8Array, random: (n: number) => number) => Promise<unknown>;
}

const tensorsPerCase = 4;

/** Lists the file and reads some of its tensors. */
async function readModel(bytes: Uint8Array, random: (n: number) => number): Promise<void> {
  const model = await openModelFrom(memorySource(bytes, "fuzz"));
  JSON.stringify([...model.metadata, model.notes]);
  for (let i = Math.min(tensorsPerCase, model.tensors.length); i > 0; i--) {
    await model.read(model.tensors[random(model.tensors.length)]!.name);
  }
}

const signals = { checkCancelled: (): void => undefined };

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

function safetensors(): Uint8Array {
  const header = utf8(JSON.stringify({
    __metadata__: { format: "pt" }, "a.weight": { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] },
    "b": { dtype: "BF16", shape: [4], data_offsets: [24, 32] }, "c": { dtype: "I64", shape: [], data_offsets: [32, 40] },
  }));
  const bytes = new Uint8Array(8 + header.length + 40);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

function npy(header: string, data: number): Uint8Array {
  const text = Buffer.from(header, "latin1");
  return new Uint8Array(Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([text.length & 255, text.length >> 8]), text, Buffer.alloc(data, 7)]));
}

/** Reads a tokenizer and takes a text there and back. */
async function readTokenizerFile(bytes: Uint8Array): Promise<void> {
  const tokenizer = await readTokenizer(memorySource(bytes, "fuzz"), null);
  tokenizer.decode(tokenizer.encode("ab ab a\u00e9\ud83d\ude00<end>"));
  for (let id = 250; id < 262; id++) if (id < tokenizer.vocabulary) tokenizer.tokenText(id);
}

const readDocuments = (name: string) => async (bytes: Uint8Array): Promise<number> => {
  let characters = 0;
  for await (const piece of documents(memorySource(bytes, name), undefined)) characters += piece.text.length;
  return characters;
};

const idx = Uint8Array.from([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 2, ...new Array<number>(12).fill(9)]);

/** @param fixtures folder of the PyTorch fixtures */
export function fuzzTargets(fixtures: string): ReadonlyMap<string, FuzzTarget> {
  const files = (...names: string[]): Uint8Array[] => names.map((name) => new Uint8Array(readFileSync(join(fixtures, name))));
  return new Map<string, FuzzTarget>([
    ["pytorch", { seeds: files("hostile.pt", "cyclic.pt", "script.pt", "module.pt", "all_types.pt", "checkpoint.pt"), read: readModel }],
    ["pytorch-legacy", { seeds: files("hostile_legacy.pt", "module_legacy.pt", "all_types_legacy.pt"), read: readModel }],
    ["pickle", { seeds: files("plain0.pkl", "plain1.pkl", "plain2.pkl", "plain4.pkl").map((bytes, i) => (i < 2 ? Uint8Array.from([0x80, 2, ...bytes]) : bytes)), read: readModel }],
    ["safetensors", { seeds: [safetensors()], read: readModel }],
    ["llama2.c", { seeds: [llama2cExport(smallExport, 0), llama2cExport({ ...smallExport, tied: true }, 1)], read: readModel }],
    ["npy", { seeds: [npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }\n", 48), npy("{'descr': '>u2', 'fortran_order': False, 'shape': (5,), }\n", 10)], read: readModel }],
    ["npz", { seeds: files("compressed.npz"), read: readModel }],
    ["idx", { seeds: [idx, new Uint8Array(gzipSync(idx))], read: (bytes) => readIdx(memorySource(bytes, "fuzz")) }],
    ["csv", { seeds: [utf8("a,b,y\n1,2.5,0\n-3,4e5,1\n"), utf8("\"a, \"\"b\"\"\";\"c\nd\"\r\n\"1\";x\r\n2;y\r\n")], read: (bytes) => readCsv(memorySource(bytes, "fuzz"), { kind: "csv" }, signals) }],
    ["parquet", { seeds: smallParquetFiles(), read: (bytes) => readParquet(memorySource(bytes, "fuzz"), { kind: "parquet" }, signals) }],
    ["parquet pages", { seeds: packedPages(), read: (bytes) => Promise.resolve().then(() => readPackedPage(bytes)) }],
    ["tokenizer.json", { seeds: [byteLevelJson(), spacedJson()].map((json) => utf8(JSON.stringify(json))), read: readTokenizerFile }],
    ["tokenizer.bin", { seeds: [llama2File(["a", "b", "ab", " ab"])], read: readTokenizerFile }],
    ["documents.jsonl", { seeds: [utf8("{\"text\": \"a b\"}\n\"c\"\n\n{\"x\": [1], \"text\": \"\\ud83d\\ude00\"}\n")], read: readDocuments("fuzz.jsonl") }],
    ["documents.txt", { seeds: [utf8("one\n<|endoftext|>\n\ntwo\r\n<|endoftext|>\r\n\u00e9\ud83d\ude00")], read: readDocuments("fuzz.txt") }],
    ["images", { seeds: [tarOf(smallImages())], read: (bytes) => readTar(memorySource(bytes, "fuzz"), { kind: "images" }, signals) }],
    ["png", { seeds: [pngFile(3, 2, 3), pngFile(5, 3, 1)], read: (bytes) => decodePng(bytes, "fuzz") }],
    ["jpeg", { seeds: [jpegFile(9, 8)], read: (bytes) => Promise.resolve().then(() => decodeJpeg(bytes, "fuzz")) }],
    ["config", {
      seeds: [utf8("model:\n  sizes: &s [1, 2]\n  more: *s\n  act: relu\nseed: 0 # x\ntext: |\n  a\n"), utf8("{\"a\": [1, {\"b\": null}], \"c\": 1e5}\n")],
      read: (bytes) => Promise.resolve().then(() => parseConfig(new TextDecoder().decode(bytes), "fuzz")),
    }],
  ]);
}
