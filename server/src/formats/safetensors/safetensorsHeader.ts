/** @file The safetensors header: an 8-byte length, then JSON naming every tensor's type, shape and place. */

import { FormatError, type DType } from "../modelFile";
import { parseJsonObject, repeatsNames } from "../bytes/boundedJson";
import type { ByteSource } from "../bytes/byteSource";
import { elementSize } from "../tensors/elements";
import { elementCount } from "../tensors/tensorView";

interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** First byte in the file. */
  readonly position: number;
}

export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: ReadonlyMap<string, string>;
  readonly notes: readonly string[];
}

/** A third of what the format allows, and a hundred times what the largest models need: parsed JSON takes far more memory than its text. */
const largestHeader = 2 ** 25;

const dtypes: ReadonlyMap<string, DType> = new Map([
  ["F64", "float64"], ["F32", "float32"], ["F16", "float16"], ["BF16", "bfloat16"],
  ["F8_E4M3", "float8_e4m3"], ["F8_E5M2", "float8_e5m2"], ["F8_E4M3FNUZ", "float8_e4m3fnuz"], ["F8_E5M2FNUZ", "float8_e5m2fnuz"], ["F8_E8M0", "float8_e8m0"],
  ["I64", "int64"], ["I32", "int32"], ["I16", "int16"], ["I8", "int8"],
  ["U64", "uint64"], ["U32", "uint32"], ["U16", "uint16"], ["U8", "uint8"], ["BOOL", "bool"], ["C64", "complex64"],
]);

/** True when the first nine bytes can be those of a safetensors file of this size. */
export function looksLikeSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 9 || head[8] !== 0x7b) return false;
  const length = headerLength(head);
  return length >= 2 && length <= size - 8;
}

/** @throws FormatError when the header is damaged or a tensor lies outside the file or inside another one. */
export async function readSafetensorsHeader(source: ByteSource): Promise<SafetensorsHeader> {
  if (source.size < 8) throw damaged(source, `it has ${source.size} bytes, too few for a safetensors header`);
  const length = headerLength(await source.read(0, 8));
  if (length > largestHeader || length > source.size - 8) {
    throw damaged(source, `its header claims ${length} bytes in a file of ${source.size}`);
  }
  const text = await source.read(8, length);
  const header = parseJsonObject(text, (what) => damaged(source, `its header ${what}`));
  if (repeatsNames(text, header)) throw damaged(source, "its header gives a name twice");
  const dataStart = 8 + length;
  const dataSize = source.size - dataStart;
  const entries: SafetensorsEntry[] = [];
  const ranges: { name: string; begin: number; end: number }[] = [];
  const notes: string[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const place = tensorPlace(source, name, value, dataSize);
    ranges.push({ name, begin: place.begin, end: place.end });
    const dtype = dtypes.get(place.dtype);
    if (dtype === undefined) {
      notes.push(`Tensor "${name}" has the element type ${place.dtype}, which is not read; it is left out.`);
      continue;
    }
    const bytes = elementCount(place.shape, `${source.name}: tensor "${name}"`) * elementSize(dtype);
    if (bytes !== place.end - place.begin) {
      throw damaged(source, `tensor "${name}" occupies ${place.end - place.begin} bytes where its shape needs ${bytes}`);
    }
    entries.push({ name, dtype, shape: place.shape, position: dataStart + place.begin });
  }
  requireDisjoint(source, ranges);
  return { entries, metadata: textEntries(header["__metadata__"]), notes };
}

function headerLength(head: Uint8Array): number {
  return Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true));
}

function tensorPlace(source: ByteSource, name: string, value: unknown, dataSize: number): { dtype: string; shape: number[]; begin: number; end: number } {
  if (!isRecord(value) || typeof value["dtype"] !== "string" || !Array.isArray(value["shape"]) || !Array.isArray(value["data_offsets"])) {
    throw damaged(source, `the entry of tensor "${name}" lacks dtype, shape or data_offsets`);
  }
  const [begin, end] = value["data_offsets"] as unknown[];
  const inside = isIndex(begin) && isIndex(end) && begin <= end && end <= dataSize;
  if (!inside) throw damaged(source, `tensor "${name}" lies outside the file (data offsets ${String(begin)} to ${String(end)} of ${dataSize})`);
  return { dtype: value["dtype"], shape: value["shape"] as number[], begin, end };
}

function requireDisjoint(source: ByteSource, ranges: { name: string; begin: number; end: number }[]): void {
  const sorted = ranges.filter((r) => r.end > r.begin).sort((a, b) => a.begin - b.begin);
  for (let i = 1; i < sorted.length; i++) {
    const before = sorted[i - 1]!;
    const after = sorted[i]!;
    if (after.begin < before.end) throw damaged(source, `tensors "${before.name}" and "${after.name}" overlap at data offset ${after.begin}`);
  }
}

function textEntries(value: unknown): Map<string, string> {
  if (!isRecord(value)) return new Map();
  return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

function damaged(source: ByteSource, what: string): FormatError {
  return new FormatError(`${source.name} is not a valid safetensors file: ${what}; copy or export it again.`);
}

const isIndex = (value: unknown): value is number => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
