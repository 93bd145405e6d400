/** @file Working memory of the eigensolver: matrices that the compiled kernels address directly. */

import { GemmKernels, type KernelFunctions } from "../../../engine/kernels/gemmKernels";

const bytesPerEntry = 8;
/** Columns reduced before the trailing matrix is updated. */
export const panelWidth = 32;
/** Reflectors applied together in the back-transform. */
export const blockWidth = 64;

/**
 * Areas of one solve. Names ending in `At` are indices into `memory` (entries); `address` turns them into byte addresses for kernels.
 * All n x n areas are row-major with leading dimension n.
 */
export interface EigenWorkspace {
  readonly n: number;
  readonly functions: KernelFunctions;
  /** Work area of the matrix product (byte address). */
  readonly gemmWork: number;
  readonly memory: Float64Array;
  /** n x n: the matrix, later the eigenvectors as rows. */
  readonly matrixAt: number;
  /** n x n: row c is the Householder vector of column c. */
  readonly reflectorsAt: number;
  /** 3 areas n x n for the merges; the back-transform uses two of them. */
  readonly scratchAt: readonly [number, number, number];
  /** Two areas of 2 panelWidth x n for the panel update. */
  readonly panelAt: readonly [number, number];
  /** n entries. */
  readonly columnAt: number;
  /** blockWidth x blockWidth. */
  readonly triangleAt: number;
}

/** Up to this size the memory is kept for the next solve. */
const keptSize = 512;
let kept: GemmKernels | null = null;

/** @throws Error when WebAssembly SIMD is missing or the memory cannot be had. */
export function openWorkspace(n: number): EigenWorkspace {
  const kernels = n <= keptSize ? (kept ??= new GemmKernels()) : new GemmKernels();
  const square = n * n * bytesPerEntry;
  const panel = 2 * panelWidth * n * bytesPerEntry;
  const addresses = kernels.reserve(square, square, square, square, square, panel, panel, n * bytesPerEntry, blockWidth * blockWidth * bytesPerEntry);
  const [matrixAt, reflectorsAt, first, second, third, panelA, panelB, columnAt, triangleAt] = addresses.map((address) => address / bytesPerEntry);
  return {
    n,
    functions: kernels.functions,
    gemmWork: kernels.work,
    memory: kernels.float64(0, triangleAt + blockWidth * blockWidth),
    matrixAt,
    reflectorsAt,
    scratchAt: [first, second, third],
    panelAt: [panelA, panelB],
    columnAt,
    triangleAt,
  };
}

/** Byte address of an index into the workspace's memory. */
export function address(index: number): number {
  return index * bytesPerEntry;
}
