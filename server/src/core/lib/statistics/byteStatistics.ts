/**
 * @file Mean and Gram of a node layer whose activations are bytes on a scale, a constant 1 behind them: images at the entrance of a network. Sums of
 * bytes are exact, so E[f f^T] - mu mu^T may be formed here: the whole numbers n sum v_i v_j - sum v_i sum v_j lose nothing.
 */

import { ByteSums } from "../../linalg/byteSums";
import { matrix } from "../../linalg/matrix";
import type { ByteVectors } from "../../network/network";
import type { LayerStatistics } from "./statistics";

/** Largest part of the range by which a byte's number may miss the straight line: what rounding to float32 makes. */
const rounding = 2 ** -23;

/** Vectors whose numbers are offset + step * byte. */
export interface ScaledBytes { readonly vectors: ByteVectors; readonly offset: number; readonly step: number }

/** null for none, and for bytes that stand for anything else. */
export function scaledBytes(vectors: ByteVectors | null): ScaledBytes | null {
  if (vectors === null) return null;
  const [offset, end] = [vectors.meaning[0], vectors.meaning[255]];
  const step = (end - offset) / 255;
  const largest = Math.max(Math.abs(offset), Math.abs(end));
  const straight = vectors.meaning.every((number, byte) => Math.abs(number - (offset + step * byte)) <= rounding * largest);
  return straight ? { vectors, offset, step } : null;
}

/**
 * Statistics of f = (offset + step v, 1).
 * @param center as in gram.ts @param visit called before each step with the fraction that is done; what it throws ends the work
 */
export function byteStatistics(
  { vectors: { values, width, count }, offset, step }: ScaledBytes, center: boolean, visit: (fraction: number) => void,
): LayerStatistics {
  const sums = new ByteSums(width);
  const { samplesPerStep } = sums;
  for (let start = 0; start < count; start += samplesPerStep) {
    visit(start / count);
    sums.add(values.subarray(start * width, Math.min(count, start + samplesPerStep) * width));
  }
  const { sums: sum, products } = sums.total();
  const size = width + 1;
  const mean = new Float64Array(size).fill(1);
  for (let i = 0; i < width; i += 1) mean[i] = offset + (step * sum[i]) / count;
  const gram = matrix(size, size);
  gram.data[size * size - 1] = 1;
  for (let i = 0; i < width; i += 1) {
    for (let j = 0; j < width; j += 1) {
      const covariance = (step * step * (count * products.data[i * width + j] - sum[i] * sum[j])) / (count * count);
      gram.data[i * size + j] = center ? covariance : covariance + mean[i] * mean[j];
    }
    gram.data[i * size + width] = gram.data[width * size + i] = center ? 0 : mean[i];
  }
  return { mean, gram, centered: center };
}
