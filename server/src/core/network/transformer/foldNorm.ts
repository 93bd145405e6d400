/** @file Gain and bias of a norm folded into a linear map that follows it, so that the norm has no parameters (as TransformerLens does). */

import { matrix } from "../../linalg/matrix";
import type { AffineWeights, NormWeights } from "./description";

/** (y * gain + shift) W + b = y (diag(gain) W) + (b + shift W) */
export function afterNorm({ gain, bias: shift }: NormWeights, { weight, bias }: AffineWeights): AffineWeights {
  if (!gain && !shift) return { weight, bias };
  const { rows, cols } = weight;
  const folded = matrix(rows, cols);
  const offset = Float64Array.from({ length: cols }, (_, col) => bias?.[col] ?? 0);
  for (let row = 0; row < rows; row += 1) {
    for (let col = 0; col < cols; col += 1) {
      const value = weight.data[row * cols + col];
      folded.data[row * cols + col] = gain ? value * gain[row] : value;
      if (shift) offset[col] += shift[row] * value;
    }
  }
  return { weight: folded, bias: shift || bias ? offset : null };
}
