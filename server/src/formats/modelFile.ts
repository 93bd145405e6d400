/** @file What every model reader gives: names, types and shapes at once, values one tensor at a time. */

/** Element type as the file stores it (numpy spelling; bf16 and float8 are named as in safetensors). */
export type DType =
  | "float64" | "float32" | "float16" | "bfloat16"
  | "float8_e4m3" | "float8_e5m2" | "float8_e4m3fnuz" | "float8_e5m2fnuz" | "float8_e8m0"
  | "int64" | "int32" | "int16" | "int8" | "uint8" | "uint16" | "uint32" | "uint64" | "bool"
  | "complex32" | "complex64" | "complex128";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/**
 * Values widened to the smallest array that holds them exactly: float32 for half and float8 types, int32 for bool and integers
 * up to 32 bits (uint32: float64), float64 for float64 and 64-bit integers (rounded past 2^53). Complex: real, imaginary, real, ...
 */
export type TensorValues = Float32Array | Float64Array | Int32Array;

export interface ModelFile {
  /** "pytorch" | "pytorch-legacy" | "safetensors" | "npz" | ... */
  readonly format: string;
  readonly tensors: readonly TensorInfo[];
  /** Facts the file carries beside its tensors (hyper-parameters, metadata): plain data, never executed. */
  readonly metadata: ReadonlyMap<string, unknown>;
  /** What was ignored, in sentences. */
  readonly notes: readonly string[];
  /** @throws FormatError for an unknown name or damaged data. */
  read(name: string): Promise<TensorValues>;
  close(): Promise<void>;
}

/** Bad input: one sentence that says what is wrong, where, and what to do. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
