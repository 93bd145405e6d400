/**
 * @file Turns eigenvectors of the tridiagonal matrix into those of the original one: the Householder reflections are applied in
 * blocks as I - V^T T V (compact WY form, Schreiber & Van Loan 1989; LAPACK dlarft, dlarfb).
 */

import { address, blockWidth, type EigenWorkspace } from "./workspace";

/** Rows of the workspace's matrix (eigenvectors) <- row (H_(n-2) .. H_0); `scales` as `tridiagonalize` gives them. */
export function backTransform(workspace: EigenWorkspace, scales: Float64Array): void {
  const { n, functions, matrixAt, reflectorsAt, scratchAt, triangleAt, gemmWork } = workspace;
  const [productAt, scaledAt] = scratchAt;
  const reflectors = n - 1;
  for (let first = Math.floor((reflectors - 1) / blockWidth) * blockWidth; first >= 0; first -= blockWidth) {
    const width = Math.min(blockWidth, reflectors - first);
    const start = first + 1;
    const length = n - start;
    triangularFactor(workspace, scales, first, width);
    const vectors = address(matrixAt + start);
    const block = address(reflectorsAt + first * n + start);
    functions.dgemm(n, width, length, 1, vectors, n, 1, block, 1, n, 0, address(productAt), width, gemmWork);
    functions.dgemm(n, width, width, 1, address(productAt), width, 1, address(triangleAt), 1, width, 0, address(scaledAt), width, gemmWork);
    functions.dgemm(n, length, width, -1, address(scaledAt), width, 1, block, n, 1, 1, vectors, n, gemmWork);
  }
}

/** T (width x width, upper triangular) with H_first .. H_(first + width - 1) = I - V^T T V, V the rows of the reflectors. */
function triangularFactor({ n, functions, memory, reflectorsAt, triangleAt }: EigenWorkspace, scales: Float64Array, first: number, width: number): void {
  memory.fill(0, triangleAt, triangleAt + width * width);
  const start = first + 1;
  const reflector = (i: number): number => address(reflectorsAt + (first + i) * n + start);
  const overlap = new Float64Array(width);
  for (let i = 0; i < width; i++) {
    const tau = scales[first + i];
    for (let k = 0; k < i; k++) overlap[k] = -tau * functions.ddot(n - start, reflector(k), reflector(i));
    for (let k = 0; k < i; k++) {
      let sum = 0;
      for (let l = k; l < i; l++) sum += memory[triangleAt + k * width + l] * overlap[l];
      memory[triangleAt + k * width + i] = sum;
    }
    memory[triangleAt + i * width + i] = tau;
  }
}
