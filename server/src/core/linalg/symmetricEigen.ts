/** @file Eigenvalues and eigenvectors of a real symmetric matrix in float64. */

import { HelperLost } from "../../engine/kernels/helperThread";
import { nativeProducts } from "../../engine/products/hostProducts";
import type { MatrixProducts } from "../../engine/products/matrixProducts";
import { backTransform } from "./eigen/backTransform";
import { divideAndConquer } from "./eigen/divideAndConquer";
import { tridiagonalize } from "./eigen/tridiagonalize";
import { unblockedEigen } from "./eigen/unblocked";
import { openWorkspace } from "./eigen/workspace";
import { matrix, type Matrix } from "./matrix";

export interface SymmetricEigen {
  /** Eigenvalues, descending. */
  values: Float64Array;
  /** Column j is the unit eigenvector of values[j]; columns are orthonormal. */
  vectors: Matrix;
}

export interface EigenOptions {
  /** Rows and columns `first` up to (not including) `end` are taken for the whole matrix, without a copy of them. */
  part?: { first: number; end: number };
  /** "refuse" (when absent) throws for a matrix that is not symmetric; "average" takes (a + a^T) / 2. */
  asymmetry?: "refuse" | "average";
  /** "blocked": divide and conquer on compiled kernels; "unblocked": plain loops. By default the size decides. */
  method?: "blocked" | "unblocked";
  /** Multiplies large blocks: the native library of this machine when absent, none (own kernels) when null. */
  native?: MatrixProducts | null;
  /** Whether a second thread helps where one is offered (`offerHelperThread`), by default from a certain size on. Both ways give the same bits. */
  twoThreads?: boolean;
  /** Called at least every tenth of a second; what it throws ends the solve. */
  checkCancelled?: () => void;
}

/** Below this size plain loops are faster. */
const blockedFrom = 48;
/** From this size on a native library multiplies the large blocks faster. */
const nativeFrom = 384;
/** From this size on a second thread is worth its start, also beside a native library with threads of its own. */
const twoThreadsFrom = 768;
/** Largest |a_ij - a_ji| that counts as rounding, relative to the largest entry. */
const asymmetryTolerance = 1e-6;

/**
 * a = vectors diag(values) vectors^T. Eigenvectors are orthonormal to about 1e-14; residuals are about 1e-15 of the largest
 * eigenvalue. Small eigenvalues are accurate relative to the largest one, not to themselves.
 *
 * Memory beside `a` and the result: four and a half matrices of its size.
 * @throws RangeError when `a` is not square, not symmetric, or holds NaN or infinity.
 */
export function symmetricEigen(a: Matrix, options: EigenOptions = {}): SymmetricEigen {
  if (a.rows !== a.cols) throw new RangeError(`Eigenvalues of a symmetric matrix: a ${a.rows} x ${a.cols} matrix is not square.`);
  const { first, end } = options.part ?? { first: 0, end: a.rows };
  const { largest, places } = checkSymmetric(a, first, end, options.asymmetry ?? "refuse");
  const n = places.length;
  // A power of two, so that scaling is exact; the largest entry becomes 1/2..1 and no square overflows or vanishes.
  const exponent = largest === 0 ? 0 : Math.floor(Math.log2(largest)) + 1;
  const [factor, rest] = powersOfTwo(-exponent);
  const writeScaled = (scaled: Float64Array): Float64Array => {
    forEachTile(n, (rows, cols) => {
      for (let i = rows.first; i < rows.end; i++) {
        for (let j = cols.first; j < Math.min(cols.end, i + 1); j++) {
          const below = a.data[places[i] * a.cols + places[j]];
          const above = a.data[places[j] * a.cols + places[i]];
          scaled[i * n + j] = scaled[j * n + i] = (below * factor * rest) / 2 + (above * factor * rest) / 2;
        }
      }
    });
    return scaled;
  };
  const method = options.method ?? (n < blockedFrom ? "unblocked" : "blocked");
  const { values, rows } = method === "blocked" && n > 2 ? blockedEigen(writeScaled, n, options) : unblockedEigen(writeScaled(new Float64Array(n * n)), n);
  return descending({ values, rows }, exponent, { first, end, places });
}

interface Solution {
  values: Float64Array;
  /** Eigenvectors as rows. */
  rows: Float64Array;
}

/** A second thread that is lost is done without. @param writeMatrix into n x n numbers */
function blockedEigen(writeMatrix: (target: Float64Array) => void, n: number, options: EigenOptions): Solution {
  const { native = n < nativeFrom ? null : nativeProducts(), checkCancelled = (): void => undefined } = options;
  const { twoThreads = n >= twoThreadsFrom } = options;
  const workspace = openWorkspace(n, { native, twoThreads, checkCancelled });
  try {
    writeMatrix(workspace.memory.subarray(workspace.matrixAt, workspace.matrixAt + n * n));
    const tridiagonal = tridiagonalize(workspace);
    divideAndConquer(workspace, tridiagonal);
    backTransform(workspace, tridiagonal.scales);
    return { values: tridiagonal.diagonal, rows: workspace.memory.subarray(workspace.matrixAt, workspace.matrixAt + n * n) };
  } catch (error) {
    if (!(error instanceof HelperLost)) throw error;
    return blockedEigen(writeMatrix, n, { ...options, twoThreads: false });
  } finally {
    workspace.close();
  }
}

/**
 * Largest absolute entry of the part, and the places of its rows and columns that are not zero throughout: the others (pixels of a margin,
 * neurons that never fire) are eigenvectors by themselves.
 */
function checkSymmetric(a: Matrix, first: number, end: number, asymmetric: "refuse" | "average"): { largest: number; places: number[] } {
  const n = a.rows;
  const isUsed = new Uint8Array(n);
  let largest = 0;
  let asymmetry = 0;
  let worst = 0;
  forEachTile(end - first, (rows, cols) => {
    for (let i = first + rows.first; i < first + rows.end; i++) {
      for (let j = first + cols.first; j < first + Math.min(cols.end, rows.end); j++) {
        const entry = a.data[i * n + j];
        const mirrored = a.data[j * n + i];
        const size = Math.max(Math.abs(entry), Math.abs(mirrored));
        if (!(size < Infinity)) throw notFinite(Number.isFinite(entry) ? { row: j, col: i, entry: mirrored } : { row: i, col: j, entry });
        if (size === 0) continue;
        isUsed[i] = isUsed[j] = 1;
        largest = Math.max(largest, size);
        const difference = Math.abs(entry / 2 - mirrored / 2) * 2;
        if (difference > asymmetry) {
          asymmetry = difference;
          worst = i * n + j;
        }
      }
    }
  });
  if (asymmetric === "refuse" && asymmetry > asymmetryTolerance * largest) {
    const [i, j] = [Math.floor(worst / n), worst % n];
    throw new RangeError(`Eigenvalues of a symmetric matrix: entries (${i}, ${j}) and (${j}, ${i}) are ${a.data[worst]} and ${a.data[j * n + i]}.`);
  }
  const places: number[] = [];
  for (let i = first; i < end; i++) if (isUsed[i] === 1) places.push(i);
  return { largest, places };
}

const notFinite = ({ row, col, entry }: { row: number; col: number; entry: number }): RangeError =>
  new RangeError(`Eigenvalues of a symmetric matrix: entry (${row}, ${col}) is ${entry}; check the activations and weights for NaN and infinity.`);

/** Two factors whose product is 2^power, which itself could overflow. */
function powersOfTwo(power: number): [number, number] {
  const half = Math.trunc(power / 2);
  return [2 ** half, 2 ** (power - half)];
}

interface Range { readonly first: number; readonly end: number }

/** Squares of the lower half of an n x n matrix, the diagonal included: rows and columns of one are near the processor together. */
function forEachTile(n: number, visit: (rows: Range, cols: Range) => void): void {
  const tile = 64;
  const range = (first: number): Range => ({ first, end: Math.min(n, first + tile) });
  for (let i = 0; i < n; i += tile) for (let j = 0; j <= i; j += tile) visit(range(i), range(j));
}

/** @param solution of the rows and columns at `places`; the others of `first` to `end` have eigenvalue 0 */
function descending(solution: Solution, exponent: number, { first, end, places }: { first: number; end: number; places: readonly number[] }): SymmetricEigen {
  const n = end - first;
  const isUsed = new Set(places);
  const alone = Array.from({ length: n }, (_, i) => first + i).filter((place) => !isUsed.has(place));
  const values = new Float64Array(n);
  values.set(solution.values);
  const order = Array.from(values.keys()).sort((p, q) => values[q] - values[p]);
  const vectors = matrix(n, n);
  const tile = 32;
  for (let j0 = 0; j0 < n; j0 += tile) {
    const j1 = Math.min(n, j0 + tile);
    for (const [i, place] of places.entries()) {
      for (let j = j0; j < j1; j++) if (order[j] < places.length) vectors.data[(place - first) * n + j] = solution.rows[order[j] * places.length + i];
    }
  }
  for (const [j, index] of order.entries()) if (index >= places.length) vectors.data[(alone[index - places.length] - first) * n + j] = 1;
  const [factor, rest] = powersOfTwo(exponent);
  return { values: Float64Array.from(order, (index) => values[index] * factor * rest), vectors };
}
