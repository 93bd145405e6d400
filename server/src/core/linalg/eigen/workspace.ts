/** @file Working memory of the eigensolver: matrices that the compiled kernels address directly. */

import { GemmKernels, type KernelFunctions } from "../../../engine/kernels/gemmKernels";
import { HelperThread, helperOffered } from "../../../engine/kernels/helperThread";
import { callsAtOnce, runCall, type KernelCall } from "../../../engine/kernels/sharedCalls";
import type { MatrixProducts } from "../../../engine/products/matrixProducts";

const bytesPerEntry = 8;
/** Columns reduced before the trailing matrix is updated. */
export const panelWidth = 32;
/** Reflectors applied together in the back-transform: a native library needs deeper products than own kernels to be fast. */
const blockWidths = { own: 64, native: 128 };
/** Rows that a product takes at a time: those of a native one are copied, and a large one can be stopped between them. */
export const rowsAtATime = 256;

/** A kernel call for the thread whose work area for products is at `work` (byte address). */
export type WorkingCall = (work: number) => KernelCall<KernelFunctions>;

/**
 * Areas of one solve. Names ending in `At` are indices into `memory` (entries); `address` turns them into byte addresses for kernels.
 * All n x n areas are row-major with leading dimension n.
 */
export interface EigenWorkspace {
  readonly n: number;
  readonly functions: KernelFunctions;
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
  /** Room for the operands and the result of native products: rowsAtATime x n, blockWidth x n, rowsAtATime x n. */
  readonly copies: { readonly left: Float64Array; readonly right: Float64Array; readonly product: Float64Array };
  /** n entries: the other thread's part of a matrix-vector product. */
  readonly partialAt: number;
  /** Runs a few calls that do not depend on one another, on two threads where there is another one. */
  together(calls: readonly WorkingCall[]): void;
  /** Ends the other thread. */
  close(): void;
}

/** Up to this size the memory is kept for the next solve. */
const keptSize = 512;
let kept: GemmKernels | null = null;

export interface WorkspaceOptions {
  native: MatrixProducts | null;
  /** Whether a second thread helps, where one is offered. */
  twoThreads: boolean;
  checkCancelled: () => void;
}

/** @throws Error when WebAssembly SIMD is missing or the memory cannot be had. */
export function openWorkspace(n: number, { native, twoThreads, checkCancelled }: WorkspaceOptions): EigenWorkspace {
  const shared = twoThreads && helperOffered();
  const kernels = shared ? new GemmKernels(true) : n <= keptSize ? (kept ??= new GemmKernels()) : new GemmKernels();
  const square = n * n * bytesPerEntry;
  const panel = 2 * panelWidth * n * bytesPerEntry;
  const blockWidth = native === null ? blockWidths.own : blockWidths.native;
  // The vectors of one half, or a block of reflectors' products.
  const half = n * Math.max(Math.ceil(n / 2), Math.min(n, blockWidth)) * bytesPerEntry;
  const triangle = blockWidth * blockWidth * bytesPerEntry;
  const vector = n * bytesPerEntry;
  const addresses = kernels.reserve(square, square, square, half, square, panel, panel, vector, vector, triangle, triangle, kernels.functions.workBytes());
  const otherWork = addresses.at(-1)!;
  const [matrixAt, reflectorsAt, first, second, third, panelA, panelB, columnAt, partialAt, overlapsAt, triangleAt] = addresses.map((address) => address / bytesPerEntry);
  const helper = shared ? HelperThread.start(kernels) : null;
  const copy = (rows: number, cols: number): Float64Array => new Float64Array(native === null ? 0 : rows * cols);
  return {
    n,
    functions: kernels.functions,
    memory: kernels.float64(0, otherWork / bytesPerEntry),
    matrixAt,
    reflectorsAt,
    scratchAt: [first, second, third],
    panelAt: [panelA, panelB],
    columnAt,
    partialAt,
    blockWidth,
    trianglesAt: [overlapsAt, triangleAt],
    checkCancelled,
    native,
    copies: { left: copy(rowsAtATime, n), right: copy(blockWidth, n), product: copy(rowsAtATime, n) },
    together(calls) {
      for (let first = 0; first < calls.length; first += callsAtOnce) {
        const some = calls.slice(first, first + callsAtOnce);
        if (helper !== null && some.length > 1) helper.together(some.map((call) => (thread) => call([kernels.work, otherWork][thread])));
        else for (const call of some) runCall(kernels.functions, call(kernels.work));
      }
    },
    close: () => helper?.end(),
  };
}

/** Byte address of an index into the workspace's memory. */
export function address(index: number): number {
  return index * bytesPerEntry;
}
