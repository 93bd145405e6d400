/** @file Opens a tokenizer of any known format, recognised by its content. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { ByteSource } from "../bytes/byteSource";
import { parseJsonObject } from "../bytes/boundedJson";
import { withFile } from "../bytes/fileSource";
import { readWhole } from "../bytes/readWhole";
import { FormatError } from "../modelFile";
import { huggingFaceTokenizer } from "./huggingFaceTokenizer";
import { llama2Tokenizer, looksLikeLlama2Tokenizer } from "./llama2Tokenizer";
import type { TextTokenizer } from "./textTokenizer";

/** The largest in use (a vocabulary of 260,000 with its merges) has 35 MB. */
const longestTokenizer = 2 ** 26;

const folderFiles = ["tokenizer.json", "vocab.json", "tokenizer.bin"];

/**
 * @param path a tokenizer.json of Hugging Face, a vocab.json with merges.txt beside it, a tokenizer.bin of llama2.c, or a folder with one of these
 * @throws FormatError when it is absent, damaged or of a kind that is not read
 */
export async function openTokenizer(path: string): Promise<TextTokenizer> {
  const [file] = await tokenizerFiles(path);
  const merges = await mergesBeside(file!);
  const text = merges === null ? null : new TextDecoder().decode(await withFile(merges, (source) => readWhole(source, longestTokenizer)));
  return withFile(file!, (source) => readTokenizer(source, text));
}

/** All files that the tokenizer depends on; the first is the one to open. */
export async function tokenizerFiles(path: string): Promise<readonly string[]> {
  const file = await tokenizerFile(path);
  const merges = await mergesBeside(file);
  return merges === null ? [file] : [file, merges];
}

/**
 * The same over any source.
 * @param merges contents of merges.txt, for a source that is only a vocabulary
 */
export async function readTokenizer(source: ByteSource, merges: string | null): Promise<TextTokenizer> {
  const bytes = await readWhole(source, longestTokenizer);
  if (looksLikeLlama2Tokenizer(bytes)) return llama2Tokenizer(bytes, source.name);
  if (bytes[0] !== 0x7b) throw new FormatError(`${source.name} is no tokenizer; name a tokenizer.json, a vocab.json with merges.txt beside it, or a tokenizer.bin of llama2.c.`);
  const json = parseJsonObject(bytes, (what) => new FormatError(`${source.name} ${what}; save the tokenizer again.`));
  return huggingFaceTokenizer(json, merges, source.name);
}

async function tokenizerFile(path: string): Promise<string> {
  if (!await isFolder(path)) return path;
  for (const name of folderFiles) {
    const candidate = join(path, name);
    if (await exists(candidate)) return candidate;
  }
  throw new FormatError(`${path} is a folder without ${folderFiles.join(", ")}; name the tokenizer file.`);
}

async function mergesBeside(file: string): Promise<string | null> {
  if (!/vocab\.json$/.test(file)) return null;
  const merges = file.replace(/vocab\.json$/, "merges.txt");
  if (await exists(merges)) return merges;
  throw new FormatError(`${file} is a vocabulary without its merges; put ${merges} there too.`);
}

const isFolder = (path: string): Promise<boolean> => stat(path).then((found) => found.isDirectory(), () => false);

const exists = (path: string): Promise<boolean> => stat(path).then(() => true, () => false);
