/** @file Working memory of the eigensolver: matrices that the compiled kernels address directly. */

import { GemmKernels, type KernelFunctions } from "../../../engine/kernels/gemmKernels";
import type { MatrixProducts } from "../../../engine/products/matrixProducts";

const bytesPerEntry = 8;
/** Columns reduced before the trailing matrix is updated. */
export const panelWidth = 32;
/** Reflectors applied together in the back-transform: a native library needs deeper products than own kernels to be fast. */
const blockWidths = { own: 64, native: 128 };
/** Rows that a product takes at a time: those of a native one are copied, and a large one can be stopped between them. */
export const rowsAtATime = 256;

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
  /** For the merges n x n, n x n/2 (the vectors of one half) and n x n; the back-transform uses the first two. */
  readonly scratchAt: readonly [number, number, number];
  /** Two areas of 2 panelWidth x n for the panel update. */
  readonly panelAt: readonly [number, number];
  /** n entries. */
  readonly columnAt: number;
  /** Reflectors applied together in the back-transform. */
  readonly blockWidth: number;
  /** 2 areas blockWidth x blockWidth. */
  readonly trianglesAt: readonly [number, number];
  /** Throws when the caller no longer wants the result. */
  readonly checkCancelled: () => void;
  /** The native library for large products; null where own kernels compute all of them. */
  readonly native: MatrixProducts | null;
  /** Copies for native products: rowsAtATime x n, blockWidth x n, rowsAtATime x n. */
  readonly packedAt: readonly [number, number, number];
}

/** Up to this size the memory is kept for the next solve. */
const keptSize = 512;
let kept: GemmKernels | null = null;

/** @throws Error when WebAssembly SIMD is missing or the memory cannot be had. */
export function openWorkspace(n: number, native: MatrixProducts | null, checkCancelled: () => void): EigenWorkspace {
  const kernels = n <= keptSize ? (kept ??= new GemmKernels()) : new GemmKernels();
  const square = n * n * bytesPerEntry;
  const panel = 2 * panelWidth * n * bytesPerEntry;
  const packed = native === null ? [0, 0, 0] : [rowsAtATime, blockWidths.native, rowsAtATime].map((rows) => rows * n * bytesPerEntry);
  const blockWidth = native === null ? blockWidths.own : blockWidths.native;
  // The vectors of one half, or a block of reflectors' products.
  const half = n * Math.max(Math.ceil(n / 2), Math.min(n, blockWidth)) * bytesPerEntry;
  const triangle = blockWidth * blockWidth * bytesPerEntry;
  const sizes = [square, square, square, half, square, panel, panel, n * bytesPerEntry, triangle, triangle, ...packed];
  const [matrixAt, reflectorsAt, first, second, third, panelA, panelB, columnAt, overlapsAt, triangleAt, left, right, product] =
    kernels.reserve(...sizes).map((address) => address / bytesPerEntry);
  return {
    n,
    functions: kernels.functions,
    gemmWork: kernels.work,
    memory: kernels.float64(0, product + packed[2] / bytesPerEntry),
    matrixAt,
    reflectorsAt,
    scratchAt: [first, second, third],
    panelAt: [panelA, panelB],
    columnAt,
    blockWidth,
    trianglesAt: [overlapsAt, triangleAt],
    checkCancelled,
    native,
    packedAt: [left, right, product],
  };
}

/** Byte address of an index into the workspace's memory. */
export function address(index: number): number {
  return index * bytesPerEntry;
}
