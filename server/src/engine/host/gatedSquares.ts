/** @file Squares of sums of the terms whose conditions hold, added over samples: plain loops here, by a compiled kernel in wasmGatedSquares.ts. */

import type { FloatArray } from "../engine";
import type { GatedSizes } from "../shapes";

/** Arrays of `gatedSquares` (engine.ts), row-major; `weights` null for 1. */
export interface GatedArrays {
  readonly conditions: FloatArray;
  readonly weights: FloatArray | null;
  readonly into: FloatArray;
  readonly outOf: FloatArray;
  readonly constant: FloatArray;
}

/** out [q, r] = sum over samples of (w_tj (K_ij + sum of L_ja R_ai over the terms a that hold))^2; carried in float64. */
export function gatedSquares({ conditions, weights, into, outOf, constant }: GatedArrays, { samples, terms, inputs, outputs }: GatedSizes, out: FloatArray): void {
  const sums = new Float64Array(outputs * inputs);
  for (let sample = 0; sample < samples; sample++) {
    for (let i = 0; i < outputs; i++) {
      for (let j = 0; j < inputs; j++) {
        let value = constant[i * inputs + j];
        for (let a = 0; a < terms; a++) if (conditions[sample * terms + a] > 0) value += into[j * terms + a] * outOf[a * outputs + i];
        const weighted = value * (weights === null ? 1 : weights[sample * inputs + j]);
        sums[i * inputs + j] += weighted * weighted;
      }
    }
  }
  out.set(sums);
}
