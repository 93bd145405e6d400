/** @file Writes safetensors files: results and exported bases. */

import { writeFileAtomically } from "../bytes/atomicFile";
import { elementCount } from "../tensors/tensorView";

/** `data` may be a function: then it is asked for when its turn to be written has come, and not kept. */
export type WritableTensor = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly dtype: "F64"; readonly data: Float64Array | (() => Float64Array) }
  | { readonly dtype: "F32"; readonly data: Float32Array | (() => Float32Array) }
  | { readonly dtype: "I32"; readonly data: Int32Array | (() => Int32Array) }
);

const bytesOf = { F64: 8, F32: 4, I32: 4 } as const;

/**
 * Writes all tensors and the metadata strings; the file appears under `path` complete or not at all.
 * The data are written from the given arrays without being copied, one tensor after the other.
 * @throws RangeError when a name is repeated or reserved, or an array's length is not the product of its shape.
 */
export async function writeSafetensors(path: string, tensors: Iterable<WritableTensor>, metadata: Record<string, string>): Promise<void> {
  const ordered = inStorageOrder(tensors);
  const header = headerBytes(ordered, metadata);
  await writeFileAtomically(path, async (append) => {
    await append(header);
    for (const tensor of ordered) {
      const data = dataOf(tensor);
      await append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
  });
}

/** 8-byte elements first, so that every tensor is aligned to its element size. */
function inStorageOrder(tensors: Iterable<WritableTensor>): WritableTensor[] {
  const all = [...tensors];
  const names = new Set<string>();
  for (const tensor of all) {
    const { name, shape, data } = tensor;
    if (names.has(name) || name === "__metadata__") throw new RangeError(`The tensor name "${name}" is ${names.has(name) ? "used twice" : "reserved"}.`);
    names.add(name);
    elementCount(shape, `Tensor "${name}"`);
    if (typeof data !== "function") dataOf(tensor);
  }
  return [...all.filter((t) => t.dtype === "F64"), ...all.filter((t) => t.dtype !== "F64")];
}

/** @throws RangeError when there are not as many values as the shape says. */
function dataOf({ name, shape, data }: WritableTensor): Float64Array | Float32Array | Int32Array {
  const values = typeof data === "function" ? data() : data;
  const count = elementCount(shape, `Tensor "${name}"`);
  if (count !== values.length) throw new RangeError(`Tensor "${name}" of shape [${shape.join(", ")}] needs ${count} values, got ${values.length}.`);
  return values;
}

function headerBytes(tensors: readonly WritableTensor[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  for (const { name, dtype, shape } of tensors) {
    entries.push([name, { dtype, shape, data_offsets: [end, end += elementCount(shape, name) * bytesOf[dtype]] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}
