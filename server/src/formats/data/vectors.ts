/** @file Numbers of a file as input vectors and class labels. */

import type { DataSpec } from "../../protocol/spec";
import type { Inputs } from "../dataSet";
import { FormatError } from "../modelFile";
import { mostValues } from "./dataKind";

/**
 * Input vectors [count, width]: values times `spec.scale`, then (x - mean) / std, rounded to float32.
 * Bytes stay bytes, of which each means such a number.
 * Without a scale bytes are divided by 255, as torchvision's ToTensor does, and other numbers stay as they are.
 * @param values at least count * width numbers, row-major
 */
export function scaledVectors(values: ArrayLike<number>, count: number, width: number, areBytes: boolean, spec: DataSpec, where: string): Inputs {
  if (count === 0 || width === 0) throw new FormatError(`${where} holds no samples (${count} x ${width}); name another file.`);
  if (count * width > mostValues) throw new FormatError(`${where} holds ${count} x ${width} numbers, more than fit into memory; set "limit".`);
  const mean = finiteField(spec, "mean", 0);
  const std = finiteField(spec, "std", 1);
  if (std === 0) throw new FormatError("The field \"std\" of the data is 0; give the standard deviation that training divided by.");
  const scale = finiteField(spec, "scale", 1);
  const divisor = spec.scale === undefined && areBytes ? 255 : 1;
  const scaled = (value: number): number => (value * scale / divisor - mean) / std;
  if (values instanceof Uint8Array) {
    return { kind: "bytes", values: values.subarray(0, count * width), meaning: Float32Array.from({ length: 256 }, (_, value) => scaled(value)), count, width };
  }
  const out = new Float32Array(count * width);
  for (let i = 0; i < out.length; i++) out[i] = scaled(values[i]!);
  return { kind: "vectors", values: out, count, width };
}

function finiteField(spec: DataSpec, field: "scale" | "mean" | "std", fallback: number): number {
  const value = spec[field] ?? fallback;
  if (!Number.isFinite(value)) throw new FormatError(`The field "${field}" of the data is ${String(value)}; give a finite number.`);
  return value;
}

/**
 * One class per sample.
 * @throws FormatError unless there is a whole, non-negative number for each sample
 */
export function classLabels(values: ArrayLike<number>, available: number, count: number, samples: number, where: string): Int32Array {
  if (available !== samples) throw new FormatError(`${where} holds ${available} labels for ${samples} samples; name the labels that belong to the inputs.`);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const value = values[i]!;
    if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
      throw new FormatError(`${where} holds ${value} at sample ${i}; labels are class numbers from 0 on.`);
    }
    labels[i] = value;
  }
  return labels;
}
