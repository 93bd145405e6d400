/**
 * @file The header of a llama2.c export: seven int32 (width, hidden width, blocks, heads, key-value heads, vocabulary, context length).
 * The first version of the format begins with them; version 1 puts a magic word, a version number and padding to 256 bytes around them.
 */

import { FormatError } from "../modelFile";

export interface Llama2cHeader {
  readonly version: 0 | 1;
  readonly width: number;
  readonly hiddenWidth: number;
  readonly blocks: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly vocabulary: number;
  readonly context: number;
  /** The unembedding is the transposed token embedding and not stored. */
  readonly tied: boolean;
  /** Bytes before the first weight. */
  readonly length: number;
}

const magic = 0x616b3432;
const fields = 7;
const version0Length = 4 * fields;
const version1Length = 256;

/** Whether these first bytes, in a file of this size, are those of a llama2.c export: the size must be exactly what the header says. */
export function looksLikeLlama2c(head: Uint8Array, size: number): boolean {
  if (head.length < version0Length) return false;
  return view(head).getUint32(0, true) === magic || matchesSize(version0(head), size);
}

/** @throws FormatError for a version that is not read, an impossible field, or a file of another size than the header says. */
export function readLlama2cHeader(head: Uint8Array, size: number, where: string): Llama2cHeader {
  const isVersioned = head.length >= 8 && view(head).getUint32(0, true) === magic;
  const version = isVersioned ? view(head).getInt32(4, true) : 0;
  if (version !== 0 && version !== 1) {
    throw new FormatError(`${where} is a llama2.c export of version ${version}${version === 2 ? " (int8 weights)" : ""}, which is not read; export it as version 0 or 1 with float32 weights.`);
  }
  if (head.length < (isVersioned ? version1Length : version0Length)) throw new FormatError(`${where} is a llama2.c export that ends within its header; copy it again.`);
  const header = isVersioned ? version1(head) : version0(head);
  if (!matchesSize(header, size)) {
    throw new FormatError(`${where} has ${size} bytes, which is not what its llama2.c header says (${summary(header)}); it is truncated or damaged, copy it again.`);
  }
  return header;
}

function version0(head: Uint8Array): Llama2cHeader {
  const numbers = int32s(head, 0);
  // A negative vocabulary marks an unembedding of its own.
  return { version: 0, ...named(numbers), vocabulary: Math.abs(numbers[5]!), tied: numbers[5]! > 0, length: version0Length };
}

function version1(head: Uint8Array): Llama2cHeader {
  return { version: 1, ...named(int32s(head, 8)), tied: head[8 + 4 * fields] !== 0, length: version1Length };
}

function named(numbers: readonly number[]): Omit<Llama2cHeader, "version" | "tied" | "length"> {
  const [width, hiddenWidth, blocks, heads, keyValueHeads, vocabulary, context] = numbers as [number, number, number, number, number, number, number];
  return { width, hiddenWidth, blocks, heads, keyValueHeads, vocabulary, context };
}

/** Every field possible, and the file exactly as long as the weights that they imply. The size bounds every field. */
function matchesSize(header: Llama2cHeader, size: number): boolean {
  const { width, hiddenWidth, blocks, heads, keyValueHeads, vocabulary, context } = header;
  if ([width, hiddenWidth, blocks, heads, keyValueHeads, vocabulary, context].some((field) => field < 1)) return false;
  if (width % heads !== 0 || heads % keyValueHeads !== 0 || (width / heads) % 2 !== 0) return false;
  const keyValueWidth = (width / heads) * keyValueHeads;
  const perBlock = 2 * width + 2 * width * width + 2 * width * keyValueWidth + 3 * width * hiddenWidth;
  const numbers = vocabulary * width * (header.tied ? 1 : 2) + blocks * perBlock + width + rotaryTables(header);
  return Number.isSafeInteger(numbers) && header.length + 4 * numbers === size;
}

/** Numbers of the two rotation tables that version 0 carries before the unembedding; they follow from the rest and are not used. */
export function rotaryTables(header: Llama2cHeader): number {
  return header.version === 0 ? header.context * (header.width / header.heads) : 0;
}

function summary(header: Llama2cHeader): string {
  return `width ${header.width}, ${header.blocks} blocks, ${header.heads} heads, vocabulary ${header.vocabulary}, context ${header.context}`;
}

function int32s(head: Uint8Array, offset: number): number[] {
  return Array.from({ length: fields }, (_, index) => view(head).getInt32(offset + 4 * index, true));
}

const view = (head: Uint8Array): DataView => new DataView(head.buffer, head.byteOffset, head.byteLength);
