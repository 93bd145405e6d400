/**
 * @file The large products of the eigensolver: by the machine's native library where there is one, which computes on all processors,
 * else by own kernels in place. A library takes whole matrices, so blocks are copied out and back, a few rows at a time.
 */

import type { MatrixProducts } from "../../../engine/products/matrixProducts";
import { address, rowsAtATime, type EigenWorkspace } from "./workspace";

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

/** out <- op(a) op(b); with `subtract` out <- out - op(a) op(b). `out` overlaps neither operand; rows of b that lie apart are at most `blockWidth`. */
export function blockProduct(workspace: EigenWorkspace, { m, n, k }: Extents, a: Block, b: Block, out: Block, subtract = false): void {
  const useNative = workspace.native !== null && m * n * k >= nativeFrom.size && k >= nativeFrom.depth;
  const right = useNative ? packed(workspace.memory, b, b.transposed ? n : k, b.transposed ? k : n, workspace.packedAt[1]) : b;
  for (let first = 0; first < m; first += rowsAtATime) {
    workspace.checkCancelled();
    const extents = { m: Math.min(rowsAtATime, m - first), n, k };
    const left = { ...a, at: a.at + first * (a.transposed ? 1 : a.stride) };
    const target = { ...out, at: out.at + first * out.stride };
    if (useNative) nativeProduct(workspace, workspace.native!, extents, left, right, target, subtract);
    else ownProduct(workspace, extents, left, right, target, subtract);
  }
}

function ownProduct({ functions, gemmWork }: EigenWorkspace, { m, n, k }: Extents, a: Block, b: Block, out: Block, subtract: boolean): void {
  const steps = ({ stride, transposed }: Block): [number, number] => (transposed ? [1, stride] : [stride, 1]);
  functions.dgemm(m, n, k, subtract ? -1 : 1, address(a.at), ...steps(a), address(b.at), ...steps(b), subtract ? 1 : 0, address(out.at), out.stride, gemmWork);
}

/** The rows of b lie one after the other already. */
function nativeProduct(
  { memory, functions, packedAt: [leftAt, , productAt] }: EigenWorkspace, native: MatrixProducts,
  { m, n, k }: Extents, a: Block, b: Block, out: Block, subtract: boolean,
): void {
  const view = ({ at }: Block, length: number): Float64Array => memory.subarray(at, at + length);
  const left = packed(memory, a, a.transposed ? k : m, a.transposed ? m : k, leftAt);
  const inPlace = !subtract && out.stride === n;
  const target = inPlace ? out : { at: productAt, stride: n };
  const plan = { batch: 1, m, n, k, transposeA: a.transposed === true, transposeB: b.transposed === true, sharedA: true, sharedB: true };
  native.multiply(plan, view(left, m * k), view(b, k * n), view(target, m * n));
  if (inPlace) return;
  for (let row = 0; row < m; row++) {
    const from = productAt + row * n;
    const to = out.at + row * out.stride;
    if (subtract) functions.daxpy(n, -1, address(from), address(to));
    else memory.copyWithin(to, from, from + n);
  }
}

/** The block with its rows one after the other: as it is, or a copy at `free`. */
function packed(memory: Float64Array, block: Block, rows: number, cols: number, free: number): Block {
  const { at, stride } = block;
  if (stride === cols) return block;
  for (let row = 0; row < rows; row++) memory.copyWithin(free + row * cols, at + row * stride, at + row * stride + cols);
  return { ...block, at: free, stride: cols };
}
