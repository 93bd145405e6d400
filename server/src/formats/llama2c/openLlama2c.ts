/** @file Reader of llama2.c exports: a header and float32 weights in a fixed order. Tensors get the names of its training code. */

import { FormatError, type ModelFile, type TensorValues } from "../modelFile";
import type { ByteSource } from "../bytes/byteSource";
import { denseStrides, readDense } from "../tensors/tensorView";
import { readLlama2cHeader, rotaryTables, type Llama2cHeader } from "./llama2cHeader";

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly position: number;
}

const longestHeader = 256;

/** `metadata.get("llama2.c")` holds the header. @throws FormatError for a version that is not read or a file of the wrong size. */
export async function openLlama2c(source: ByteSource): Promise<ModelFile> {
  const header = readLlama2cHeader(await source.read(0, Math.min(longestHeader, source.size)), source.size, source.name);
  const entries = layout(header);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return {
    format: "llama2.c",
    tensors: entries.map(({ name, shape }) => ({ name, dtype: "float32", shape })),
    metadata: new Map([["llama2.c", { ...header }]]),
    notes: [],
    async read(name): Promise<TensorValues> {
      const entry = byName.get(name);
      if (entry === undefined) throw new FormatError(`${source.name} holds no tensor named "${name}".`);
      const view = { dtype: "float32", shape: entry.shape, strides: denseStrides(entry.shape), offset: 0, littleEndian: true } as const;
      return readDense(view, `${source.name}: tensor "${name}"`, (offset, length) => source.read(entry.position + offset, length));
    },
    close: () => source.close(),
  };
}

/** Tensors in the order of the file: each kind for all blocks, then the next kind. */
function layout(header: Llama2cHeader): Entry[] {
  const entries: Entry[] = [];
  let position = header.length;
  const one = (name: string, ...shape: number[]): void => {
    entries.push({ name, shape, position });
    position += 4 * shape.reduce((product, size) => product * size, 1);
  };
  const perBlock = (name: string, ...shape: number[]): void => {
    for (let block = 0; block < header.blocks; block += 1) one(`layers.${block}.${name}.weight`, ...shape);
  };
  const { width, hiddenWidth, vocabulary } = header;
  const keyValueWidth = (width / header.heads) * header.keyValueHeads;
  const attention = (): void => {
    perBlock("attention.wq", width, width);
    perBlock("attention.wk", keyValueWidth, width);
    perBlock("attention.wv", keyValueWidth, width);
    perBlock("attention.wo", width, width);
  };
  const feedForward = (): void => {
    perBlock("feed_forward.w1", hiddenWidth, width);
    perBlock("feed_forward.w2", width, hiddenWidth);
    perBlock("feed_forward.w3", hiddenWidth, width);
  };
  if (header.version === 0) {
    one("tok_embeddings.weight", vocabulary, width);
    perBlock("attention_norm", width);
    attention();
    perBlock("ffn_norm", width);
    feedForward();
    one("norm.weight", width);
    position += 4 * rotaryTables(header);
  } else {
    perBlock("attention_norm", width);
    perBlock("ffn_norm", width);
    one("norm.weight", width);
    one("tok_embeddings.weight", vocabulary, width);
    attention();
    feedForward();
  }
  if (!header.tied) one("output.weight", vocabulary, width);
  return entries;
}
