/** @file Sums over the samples in which two conditions hold, for all pairs of conditions: plain loops here, by a compiled kernel in wasmJointSums.ts. */

import type { FloatArray } from "../engine";
import { firstPair } from "../shapes";

/**
 * out [pairs, r] = sum over samples of values [n, r] where both conditions [n, h] are positive; carried in float64.
 */
export function jointSums(values: FloatArray, width: number, conditions: FloatArray, count: number, out: FloatArray): void {
  const samples = values.length / width;
  const sums = new Float64Array(out.length);
  for (let sample = 0; sample < samples; sample++) {
    const holding = Array.from({ length: count }, (_, index) => index).filter((index) => conditions[sample * count + index] > 0);
    for (const [place, a] of holding.entries()) {
      for (const c of holding.slice(place)) {
        const to = (firstPair(count, a) + c - a) * width;
        for (let j = 0; j < width; j++) sums[to + j] += values[sample * width + j];
      }
    }
  }
  out.set(sums);
}

/** out [pairs] = number of samples where both conditions [n, h] are positive. */
export function jointCounts(conditions: FloatArray, count: number, out: FloatArray): void {
  jointSums(new Float64Array(conditions.length / count).fill(1), 1, conditions, count, out);
}
