/** @file The header of a .npy array: magic, version, and a Python dict literal with type, order and shape. */

import { FormatError, type DType } from "../modelFile";
import { denseStrides, elementCount, type TensorView } from "../tensors/tensorView";

export interface NpyHeader {
  readonly view: TensorView;
  /** Where the elements begin. */
  readonly dataOffset: number;
}

const longestHeader = 2 ** 20;

const dtypes: ReadonlyMap<string, DType> = new Map([
  ["f8", "float64"], ["f4", "float32"], ["f2", "float16"], ["i8", "int64"], ["i4", "int32"], ["i2", "int16"], ["i1", "int8"],
  ["u8", "uint64"], ["u4", "uint32"], ["u2", "uint16"], ["u1", "uint8"], ["b1", "bool"], ["c8", "complex64"], ["c16", "complex128"],
]);

export function looksLikeNpy(head: Uint8Array): boolean {
  return head.length >= 8 && head[0] === 0x93 && String.fromCharCode(...head.subarray(1, 6)) === "NUMPY";
}

/** Bytes of magic and header together, from the first 12 bytes. @throws FormatError when this is no .npy array. */
export function npyHeaderLength(head: Uint8Array, where: string): number {
  if (!looksLikeNpy(head) || head.length < 12) throw new FormatError(`${where} is not a .npy array; write it with numpy.save.`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = head[6] === 1 ? 10 + view.getUint16(8, true) : 12 + view.getUint32(8, true);
  if (length > longestHeader) throw new FormatError(`${where} claims a header of ${length} bytes; the file is damaged, save it again.`);
  return length;
}

/**
 * @param bytes at least the whole header
 * @throws FormatError for arrays of Python objects or records, and for damaged headers
 */
export function parseNpyHeader(bytes: Uint8Array, where: string): NpyHeader {
  const dataOffset = npyHeaderLength(bytes, where);
  const start = bytes[6] === 1 ? 10 : 12;
  const text = new TextDecoder(bytes[6]! >= 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, dataOffset));
  const descr = /'descr':\s*'([^']{1,16})'/.exec(text)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const extents = /'shape':\s*\(([\d\sL,]*)\)/.exec(text)?.[1];
  if (descr === undefined || order === undefined || extents === undefined) {
    throw new FormatError(`${where} holds records or an unreadable header; save plain numeric arrays.`);
  }
  // Python would take the last of two.
  const twice = ["'descr'", "'fortran_order'", "'shape'"].find((key) => text.split(key).length > 2);
  if (twice !== undefined) throw new FormatError(`${where} gives ${twice} twice in its header; the file is damaged, save it again.`);
  if (/^[<>|=]?O/.test(descr)) throw new FormatError(`${where} holds Python objects, which are never unpickled here; save a numeric array.`);
  const dtype = dtypes.get(descr.replace(/^[<>|=]/, ""));
  if (dtype === undefined) throw new FormatError(`${where} holds elements of type "${descr}", which is not read; save it as float32 or int64.`);
  const shape = extents.split(",").map((extent) => extent.trim().replace(/L$/, "")).filter((extent) => extent !== "").map(Number);
  elementCount(shape, where);
  const strides = denseStrides(shape, order === "True");
  return { view: { dtype, shape, strides, offset: 0, littleEndian: !descr.startsWith(">") }, dataOffset };
}
