/**
 * @file Turns eigenvectors of the tridiagonal matrix into those of the original one: the Householder reflections are applied in
 * blocks as I - V^T T V (compact WY form, Schreiber & Van Loan 1989; LAPACK dlarft, dlarfb).
 */

import { blockProduct } from "./blockProduct";
import { type EigenWorkspace } from "./workspace";

/** Rows of the workspace's matrix (eigenvectors) <- row (H_(n-2) .. H_0); `scales` as `tridiagonalize` gives them. */
export function backTransform(workspace: EigenWorkspace, scales: Float64Array): void {
  const { n, matrixAt, reflectorsAt, scratchAt, trianglesAt, blockWidth } = workspace;
  const [productAt, scaledAt] = scratchAt;
  const reflectors = n - 1;
  for (let first = Math.floor((reflectors - 1) / blockWidth) * blockWidth; first >= 0; first -= blockWidth) {
    const width = Math.min(blockWidth, reflectors - first);
    const start = first + 1;
    const length = n - start;
    const vectors = { at: matrixAt + start, stride: n };
    const block = { at: reflectorsAt + first * n + start, stride: n };
    const product = { at: productAt, stride: width };
    const scaled = { at: scaledAt, stride: width };
    const triangle = { at: trianglesAt[1], stride: width };
    triangularFactor(workspace, scales, first, width);
    blockProduct(workspace, { m: n, n: width, k: length }, vectors, { ...block, transposed: true }, product);
    blockProduct(workspace, { m: n, n: width, k: width }, product, { ...triangle, transposed: true }, scaled);
    blockProduct(workspace, { m: n, n: length, k: width }, scaled, block, vectors, true);
  }
}

/** T (width x width, upper triangular) with H_first .. H_(first + width - 1) = I - V^T T V, V the rows of the reflectors. */
function triangularFactor(workspace: EigenWorkspace, scales: Float64Array, first: number, width: number): void {
  const { n, memory, reflectorsAt, trianglesAt: [overlapsAt, triangleAt] } = workspace;
  const start = first + 1;
  const block = { at: reflectorsAt + first * n + start, stride: n };
  blockProduct(workspace, { m: width, n: width, k: n - start }, block, { ...block, transposed: true }, { at: overlapsAt, stride: width });
  memory.fill(0, triangleAt, triangleAt + width * width);
  for (let i = 0; i < width; i++) {
    const tau = scales[first + i];
    for (let k = 0; k < i; k++) {
      const row = triangleAt + k * width;
      let sum = 0;
      for (let l = k; l < i; l++) sum += memory[row + l] * memory[overlapsAt + i * width + l];
      memory[row + i] = -tau * sum;
    }
    memory[triangleAt + i * width + i] = tau;
  }
}
