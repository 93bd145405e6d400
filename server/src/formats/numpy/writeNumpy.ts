/** @file Writes .npy and .npz: what Python's numpy.load reads. */

import { Buffer } from "node:buffer";
import { writeFileAtomically, type Append } from "../bytes/atomicFile";
import { elementCount } from "../tensors/tensorView";
import { Crc32 } from "../zip/crc32";

export interface WritableArray {
  /** Row-major. */
  readonly shape: readonly number[];
  readonly data: Float64Array | Float32Array | Int32Array | Uint8Array;
}

/** Writes one array; the file appears complete or not at all. @throws RangeError when the data do not fit the shape. */
export async function writeNpy(path: string, array: WritableArray): Promise<void> {
  const header = npyHeader(array, path);
  await writeFileAtomically(path, async (append) => {
    await append(header);
    await append(bytesOf(array));
  });
}

/**
 * Writes several arrays by name, stored without compression; the file appears complete or not at all.
 * @throws RangeError when the data do not fit a shape, a name is repeated, or an array or the file reaches 4 GiB (beyond plain ZIP)
 */
export async function writeNpz(path: string, arrays: Iterable<readonly [name: string, array: WritableArray]>): Promise<void> {
  const named = [...arrays];
  if (new Set(named.map(([name]) => name)).size !== named.length) throw new RangeError("Every array of an .npz file needs a name of its own.");
  await writeFileAtomically(path, (append) => writeArchive(append, named));
}

/** Plain ZIP holds 32-bit sizes and 16-bit counts. */
const zipLimit = 0xffffffff;
const zipCountLimit = 0xffff;

async function writeArchive(append: Append, named: readonly (readonly [string, WritableArray])[]): Promise<void> {
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, array] of named) {
    const parts = [npyHeader(array, name), bytesOf(array)];
    const size = parts[0]!.length + parts[1]!.length;
    const checksum = new Crc32();
    for (const part of parts) checksum.update(part);
    const fields = entryFields(`${name}.npy`, checksum.value, size);
    const local = Buffer.concat([signature(0x04034b50), fields.common, fields.name]);
    directory.push(directoryEntry(fields, offset));
    offset += local.length + size;
    if (offset > zipLimit || directory.length > zipCountLimit) throw new RangeError("An .npz file holds less than 4 GiB and 65,536 arrays; write several files or safetensors.");
    await append(local);
    for (const part of parts) await append(part);
  }
  const bytes = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(bytes.length, 12);
  end.writeUInt32LE(offset, 16);
  await append(Buffer.concat([bytes, end]));
}

interface EntryFields { readonly common: Buffer; readonly name: Buffer }

/** The 26 bytes that local header and directory share: version, flags (UTF-8 name), method stored, date, checksum, sizes, name length. */
function entryFields(name: string, checksum: number, size: number): EntryFields {
  const encoded = Buffer.from(name, "utf8");
  if (size > zipLimit) throw new RangeError(`Array "${name}" has 4 GiB or more; write it as safetensors.`);
  const common = Buffer.alloc(26);
  common.writeUInt16LE(20, 0);
  common.writeUInt16LE(0x0800, 2);
  common.writeUInt16LE(0x0021, 8);
  common.writeUInt32LE(checksum, 10);
  common.writeUInt32LE(size, 14);
  common.writeUInt32LE(size, 18);
  common.writeUInt16LE(encoded.length, 22);
  return { common, name: encoded };
}

function directoryEntry({ common, name }: EntryFields, offset: number): Buffer {
  const madeBy = Buffer.from([20, 0]);
  // Comment length, disk, internal and external attributes: all zero; then where the entry starts.
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE(offset, 10);
  return Buffer.concat([signature(0x02014b50), madeBy, common, tail, name]);
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Version 1.0 header, padded so that the data start at a multiple of 64. */
function npyHeader({ shape, data }: WritableArray, name: string): Uint8Array {
  const count = elementCount(shape, name);
  if (count !== data.length) throw new RangeError(`${name}: the shape [${shape.join(", ")}] needs ${count} values, got ${data.length}.`);
  const extents = shape.length === 1 ? `${shape[0]!},` : shape.join(", ");
  const text = `{'descr': '${typeCode(data)}', 'fortran_order': False, 'shape': (${extents}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64;
  const header = Buffer.alloc(length, " ");
  header.write("\x93NUMPY\x01\x00", 0, "latin1");
  header.writeUInt16LE(length - 10, 8);
  header.write(text, 10, "latin1");
  header[length - 1] = 0x0a;
  return header;
}

function typeCode(data: WritableArray["data"]): string {
  if (data instanceof Float64Array) return "<f8";
  if (data instanceof Float32Array) return "<f4";
  return data instanceof Int32Array ? "<i4" : "|u1";
}

const bytesOf = ({ data }: WritableArray): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
