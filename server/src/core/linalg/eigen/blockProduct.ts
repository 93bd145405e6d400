/**
 * @file The large products of the eigensolver: by the machine's native library where there is one, which computes on all processors,
 * else by own kernels in place. A library takes whole matrices, so blocks are copied out and back, a few rows at a time.
 */

import type { MatrixProducts } from "../../../engine/products/matrixProducts";
import { address, rowsAtATime, type EigenWorkspace, type WorkingCall } from "./workspace";

/** A block of the workspace's memory, row-major. */
export interface Block {
  /** Index of its first entry. */
  readonly at: number;
  /** Entries from one row to the next. */
  readonly stride: number;
  /** Whether the product takes the transpose of what is stored. */
  readonly transposed?: boolean;
}

/** op(a) is m x k, op(b) k x n, the result m x n. */
export interface Extents { readonly m: number; readonly n: number; readonly k: number }

/** Multiply-adds and depth from which the native library is faster, the copying included. */
const nativeFrom = { size: 2e6, depth: 128 };

/** out <- op(a) op(b); with `subtract` out <- out - op(a) op(b). `out` overlaps neither operand. */
export function blockProduct(workspace: EigenWorkspace, extents: Extents, a: Block, b: Block, out: Block, subtract = false): void {
  const { m, n, k } = extents;
  if (workspace.native !== null && m * n * k >= nativeFrom.size && k >= nativeFrom.depth) nativeProduct(workspace, workspace.native, extents, a, b, out, subtract);
  else {
    const pieces = rowPieces(m).map(({ first, rows }) => productCall({ m: rows, n, k }, rowsFrom(a, first), b, rowsFrom(out, first), subtract));
    for (let i = 0; i < pieces.length; i += 2) {
      workspace.checkCancelled();
      workspace.together(pieces.slice(i, i + 2));
    }
  }
}

/** One product by own kernels, as a call that either thread can run with its own work area. */
export function productCall({ m, n, k }: Extents, a: Block, b: Block, out: Block, subtract: boolean): WorkingCall {
  const steps = ({ stride, transposed }: Block): [number, number] => (transposed ? [1, stride] : [stride, 1]);
  return (work) => ({
    kernel: "dgemm",
    values: [m, n, k, subtract ? -1 : 1, address(a.at), ...steps(a), address(b.at), ...steps(b), subtract ? 1 : 0, address(out.at), out.stride, work],
  });
}

function rowPieces(m: number): { first: number; rows: number }[] {
  return Array.from({ length: Math.ceil(m / rowsAtATime) }, (_, i) => ({ first: i * rowsAtATime, rows: Math.min(rowsAtATime, m - i * rowsAtATime) }));
}

/** op(block) without its first rows. */
const rowsFrom = (block: Block, first: number): Block => ({ ...block, at: block.at + first * (block.transposed ? 1 : block.stride) });

function nativeProduct(
  { memory, copies, checkCancelled }: EigenWorkspace, native: MatrixProducts,
  { m, n, k }: Extents, a: Block, b: Block, out: Block, subtract: boolean,
): void {
  const right = copied(memory, b, b.transposed ? n : k, b.transposed ? k : n, copies.right);
  for (const { first, rows } of rowPieces(m)) {
    checkCancelled();
    const left = copied(memory, rowsFrom(a, first), a.transposed ? k : rows, a.transposed ? rows : k, copies.left);
    const product = copies.product.subarray(0, rows * n);
    const plan = { batch: 1, m: rows, n, k, transposeA: a.transposed === true, transposeB: b.transposed === true, sharedA: true, sharedB: true };
    native.multiply(plan, left, right, product);
    const target = rowsFrom(out, first);
    for (let row = 0; row < rows; row++) {
      const to = target.at + row * target.stride;
      const from = row * n;
      if (subtract) for (let j = 0; j < n; j++) memory[to + j] -= product[from + j];
      else memory.set(product.subarray(from, from + n), to);
    }
  }
}

/** The rows of a block one after the other: where they lie, or in `into` where there is room. A native library takes no memory that threads share. */
function copied(memory: Float64Array, { at, stride }: Block, rows: number, cols: number, into: Float64Array): Float64Array {
  const length = rows * cols;
  if (stride === cols && memory.buffer instanceof ArrayBuffer) return memory.subarray(at, at + length);
  const out = into.length < length ? new Float64Array(length) : into.subarray(0, length);
  for (let row = 0; row < rows; row++) out.set(memory.subarray(at + row * stride, at + row * stride + cols), row * cols);
  return out;
}
