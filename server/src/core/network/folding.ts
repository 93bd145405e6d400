/**
 * @file Folding of biases into weights (method section 1.2): every vector gets a constant 1 as its last component, so that affine
 * maps become matrices. Weights multiply row vectors from the right.
 */

import { place } from "../linalg/arrange";
import { matrix, type Matrix } from "../linalg/matrix";

/** [[W, 0], [b, constant]]: [d_in, d_out] -> [d_in + 1, d_out + 1]. `constant` is what the 1 becomes. */
export function foldAffine(weight: Matrix, bias: ArrayLike<number> | null, constant: number): Matrix {
  const folded = matrix(weight.rows + 1, weight.cols + 1);
  place(folded, foldBias(weight, bias), 0, 0);
  folded.data[folded.data.length - 1] = constant;
  return folded;
}

/** [[W], [b]]: [d_in, d_out] -> [d_in + 1, d_out], for outputs that carry no constant. */
export function foldBias(weight: Matrix, bias: ArrayLike<number> | null): Matrix {
  const folded = matrix(weight.rows + 1, weight.cols);
  folded.data.set(weight.data);
  if (bias) folded.data.set(Array.from(bias), weight.rows * weight.cols);
  return folded;
}

/** Places the blocks side by side: equal rows, columns add up. */
export function besides(blocks: readonly Matrix[]): Matrix {
  const rows = blocks[0].rows;
  const result = matrix(rows, blocks.reduce((sum, block) => sum + block.cols, 0));
  let start = 0;
  for (const block of blocks) {
    place(result, block, 0, start);
    start += block.cols;
  }
  return result;
}

/** Stacks the blocks: equal columns, rows add up. */
export function stacked(blocks: readonly Matrix[]): Matrix {
  const result = matrix(blocks.reduce((sum, block) => sum + block.rows, 0), blocks[0].cols);
  let start = 0;
  for (const block of blocks) {
    place(result, block, start, 0);
    start += block.rows;
  }
  return result;
}

/** W [rows, cols] with a zero column appended. */
export function withZeroColumn(weight: Matrix): Matrix {
  const result = matrix(weight.rows, weight.cols + 1);
  place(result, weight, 0, 0);
  return result;
}
