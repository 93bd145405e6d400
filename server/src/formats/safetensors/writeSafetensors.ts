/** @file Writes safetensors files: results and exported bases. */

import { writeFileAtomically } from "../bytes/atomicFile";
import { elementCount } from "../tensors/tensorView";

export type WritableTensor =
  | { readonly name: string; readonly dtype: "F64"; readonly shape: readonly number[]; readonly data: Float64Array }
  | { readonly name: string; readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  | { readonly name: string; readonly dtype: "I32"; readonly shape: readonly number[]; readonly data: Int32Array };

/**
 * Writes all tensors and the metadata strings; the file appears under `path` complete or not at all.
 * The data are written from the given arrays without being copied.
 * @throws RangeError when a name is repeated or reserved, or an array's length is not the product of its shape.
 */
export async function writeSafetensors(path: string, tensors: Iterable<WritableTensor>, metadata: Record<string, string>): Promise<void> {
  const ordered = inStorageOrder(tensors);
  const header = headerBytes(ordered, metadata);
  await writeFileAtomically(path, async (append) => {
    await append(header);
    for (const { data } of ordered) await append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  });
}

/** 8-byte elements first, so that every tensor is aligned to its element size. */
function inStorageOrder(tensors: Iterable<WritableTensor>): WritableTensor[] {
  const all = [...tensors];
  const names = new Set<string>();
  for (const { name, shape, data } of all) {
    if (names.has(name) || name === "__metadata__") throw new RangeError(`The tensor name "${name}" is ${names.has(name) ? "used twice" : "reserved"}.`);
    names.add(name);
    const count = elementCount(shape, `Tensor "${name}"`);
    if (count !== data.length) throw new RangeError(`Tensor "${name}" of shape [${shape.join(", ")}] needs ${count} values, got ${data.length}.`);
  }
  return [...all.filter((t) => t.dtype === "F64"), ...all.filter((t) => t.dtype !== "F64")];
}

function headerBytes(tensors: readonly WritableTensor[], metadata: Record<string, string>): Uint8Array {
  let end = 0;
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  for (const { name, dtype, shape, data } of tensors) {
    entries.push([name, { dtype, shape, data_offsets: [end, end += data.byteLength] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}
