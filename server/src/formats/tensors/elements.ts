/** @file Element types: their size in a file and how their bytes become numbers. */

import type { DType, TensorValues } from "../modelFile";
import {
  bfloat16, float16, float8e4m3, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0,
} from "./halfPrecision";

type Target = "float32" | "float64" | "int32";

interface ElementType {
  /** Bytes of one element (both parts of a complex number). */
  readonly size: number;
  /** Numbers per element: 2 for complex types. */
  readonly lanes: 1 | 2;
  readonly target: Target;
  /** One lane at a byte offset. */
  readonly get: (view: DataView, offset: number, littleEndian: boolean) => number;
}

const byteFloat = (decode: (bits: number) => number): ElementType =>
  ({ size: 1, lanes: 1, target: "float32", get: (v, o) => decode(v.getUint8(o)) });

const types: Readonly<Record<DType, ElementType>> = {
  float64: { size: 8, lanes: 1, target: "float64", get: (v, o, le) => v.getFloat64(o, le) },
  float32: { size: 4, lanes: 1, target: "float32", get: (v, o, le) => v.getFloat32(o, le) },
  float16: { size: 2, lanes: 1, target: "float32", get: (v, o, le) => float16(v.getUint16(o, le)) },
  bfloat16: { size: 2, lanes: 1, target: "float32", get: (v, o, le) => bfloat16(v.getUint16(o, le)) },
  float8_e4m3: byteFloat(float8e4m3),
  float8_e5m2: byteFloat(float8e5m2),
  float8_e4m3fnuz: byteFloat(float8e4m3fnuz),
  float8_e5m2fnuz: byteFloat(float8e5m2fnuz),
  float8_e8m0: byteFloat(float8e8m0),
  int64: { size: 8, lanes: 1, target: "float64", get: (v, o, le) => Number(v.getBigInt64(o, le)) },
  uint64: { size: 8, lanes: 1, target: "float64", get: (v, o, le) => Number(v.getBigUint64(o, le)) },
  int32: { size: 4, lanes: 1, target: "int32", get: (v, o, le) => v.getInt32(o, le) },
  uint32: { size: 4, lanes: 1, target: "float64", get: (v, o, le) => v.getUint32(o, le) },
  int16: { size: 2, lanes: 1, target: "int32", get: (v, o, le) => v.getInt16(o, le) },
  uint16: { size: 2, lanes: 1, target: "int32", get: (v, o, le) => v.getUint16(o, le) },
  int8: { size: 1, lanes: 1, target: "int32", get: (v, o) => v.getInt8(o) },
  uint8: { size: 1, lanes: 1, target: "int32", get: (v, o) => v.getUint8(o) },
  bool: { size: 1, lanes: 1, target: "int32", get: (v, o) => (v.getUint8(o) === 0 ? 0 : 1) },
  complex32: { size: 4, lanes: 2, target: "float32", get: (v, o, le) => float16(v.getUint16(o, le)) },
  complex64: { size: 8, lanes: 2, target: "float32", get: (v, o, le) => v.getFloat32(o, le) },
  complex128: { size: 16, lanes: 2, target: "float64", get: (v, o, le) => v.getFloat64(o, le) },
};

/** Bytes of one element. */
export const elementSize = (dtype: DType): number => types[dtype].size;

/** Numbers that one element becomes: 2 for complex types, else 1. */
export const elementLanes = (dtype: DType): number => types[dtype].lanes;

/** True for the integer types (bool not included). */
export const isIntegerType = (dtype: DType): boolean => /^u?int/.test(dtype);

/** A zero-filled array of the type that holds elements of `dtype` exactly (see TensorValues). */
export function allocateValues(dtype: DType, length: number): TensorValues {
  const target = types[dtype].target;
  if (target === "float32") return new Float32Array(length);
  return target === "float64" ? new Float64Array(length) : new Int32Array(length);
}

/** All elements of `bytes`, whose length is a multiple of the element size. */
export function decodeElements(bytes: Uint8Array, dtype: DType, littleEndian = true): TensorValues {
  const type = types[dtype];
  if (littleEndian && type.size === 4 * type.lanes && type.target !== "float64") {
    return type.target === "int32" ? new Int32Array(ownBuffer(bytes)) : new Float32Array(ownBuffer(bytes));
  }
  if (littleEndian && type.size === 8 * type.lanes && (dtype === "float64" || dtype === "complex128")) {
    return new Float64Array(ownBuffer(bytes));
  }
  const laneSize = type.size / type.lanes;
  const out = allocateValues(dtype, bytes.length / laneSize);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const get = type.get;
  for (let i = 0, offset = 0; i < out.length; i++, offset += laneSize) out[i] = get(view, offset, littleEndian);
  return out;
}

/** The bytes as a buffer of their own (every supported machine is little-endian, so it can be viewed as numbers). */
function ownBuffer(bytes: Uint8Array): ArrayBuffer {
  const alone = bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
  // Not slice(): that of a Node Buffer does not copy.
  return alone ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer;
}
