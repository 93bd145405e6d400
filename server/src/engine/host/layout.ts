/** @file Moving entries without changing them: transpose, slice, concatenate, gather rows. */

import type { FloatArray } from "../engine";
import { sizeOf } from "../shapes";

function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Side of the square tile that keeps both the rows read and the rows written in the first-level cache. */
const tile = 32;

/** out[batch, c, r] = a[batch, r, c] */
function swapLastTwo(a: FloatArray, batch: number, rows: number, cols: number, out: FloatArray): void {
  for (let item = 0; item < batch; item++) {
    const base = item * rows * cols;
    for (let r0 = 0; r0 < rows; r0 += tile) {
      const r1 = Math.min(rows, r0 + tile);
      for (let c0 = 0; c0 < cols; c0 += tile) {
        const c1 = Math.min(cols, c0 + tile);
        swapTile(a, base, rows, cols, r0, r1, c0, c1, out);
      }
    }
  }
}

function swapTile(
  a: FloatArray, base: number, rows: number, cols: number, r0: number, r1: number, c0: number, c1: number, out: FloatArray,
): void {
  for (let c = c0; c < c1; c++) {
    const to = base + c * rows;
    for (let r = r0, from = base + r0 * cols + c; r < r1; r++, from += cols) out[to + r] = a[from];
  }
}

/** Neighbouring axes that stay neighbours move as one; axes of extent 1 do not matter. */
function mergeAxes(shape: readonly number[], permutation: readonly number[]): { shape: number[]; permutation: number[] } {
  const moving = permutation.filter((axis) => shape[axis] !== 1);
  const groups: number[][] = [];
  const between = (from: number, to: number): boolean => {
    for (let axis = from + 1; axis < to; axis++) if (shape[axis] !== 1) return false;
    return to > from;
  };
  for (const axis of moving) {
    const last = groups.at(-1);
    if (last !== undefined && between(last.at(-1)!, axis)) last.push(axis);
    else groups.push([axis]);
  }
  const order = [...groups].sort((p, q) => p[0] - q[0]);
  return {
    shape: order.map((group) => group.reduce((size, axis) => size * shape[axis], 1)),
    permutation: groups.map((group) => order.indexOf(group)),
  };
}

/** How a transpose is done: as it lies, by swapping the last two axes of a batch of matrices, or entry by entry with steps. */
export type TransposePlan =
  | { readonly kind: "copy" }
  | { readonly kind: "swap"; readonly batch: number; readonly rows: number; readonly cols: number }
  | { readonly kind: "pick"; readonly extents: readonly number[]; readonly steps: readonly number[] };

export function planTranspose(fullShape: readonly number[], fullPermutation: readonly number[]): TransposePlan {
  const { shape, permutation } = mergeAxes(fullShape, fullPermutation);
  const rank = shape.length;
  if (rank <= 1) return { kind: "copy" };
  if (rank === 2 || (rank === 3 && permutation[0] === 0)) {
    return { kind: "swap", batch: rank === 2 ? 1 : shape[0], rows: shape[rank - 2], cols: shape[rank - 1] };
  }
  const strides = rowMajorStrides(shape);
  return { kind: "pick", extents: permutation.map((axis) => shape[axis]), steps: permutation.map((axis) => strides[axis]) };
}

export function transpose(a: FloatArray, shape: readonly number[], permutation: readonly number[], out: FloatArray): void {
  if (out.length === 0) return;
  const plan = planTranspose(shape, permutation);
  if (plan.kind === "copy") out.set(a);
  else if (plan.kind === "swap") swapLastTwo(a, plan.batch, plan.rows, plan.cols, out);
  else pick(a, 0, plan.extents, plan.steps, out);
}

/** Entries with any steps, from `start` on, into a dense array. */
function pick(a: FloatArray, start: number, extents: readonly number[], steps: readonly number[], out: FloatArray): void {
  const inner = extents[extents.length - 1];
  const innerStep = steps[extents.length - 1];
  forEachRow(extents.slice(0, -1), steps, (offset, row) => {
    const from = start + offset;
    const to = row * inner;
    if (innerStep === 1) out.set(a.subarray(from, from + inner), to);
    else for (let i = 0, at = from; i < inner; i++, at += innerStep) out[to + i] = a[at];
  });
}

/** Calls `visit(offset, row)` for every index of `extents` in row-major order; offset = index . steps. Once per row, not per entry. */
function forEachRow(extents: readonly number[], steps: readonly number[], visit: (offset: number, row: number) => void): void {
  const index = new Array<number>(extents.length).fill(0);
  const rows = sizeOf(extents);
  let offset = 0;
  for (let row = 0; row < rows; row++) {
    visit(offset, row);
    for (let axis = extents.length - 1; axis >= 0; axis--) {
      offset += steps[axis];
      index[axis]++;
      if (index[axis] < extents[axis]) break;
      offset -= steps[axis] * extents[axis];
      index[axis] = 0;
    }
  }
}

/** Where a slice starts whose entries lie behind one another; null where they do not. */
export function runOf(shape: readonly number[], begin: readonly number[], size: readonly number[]): number | null {
  let axis = 0;
  while (axis < shape.length && size[axis] === 1) axis++;
  if (size.some((extent, at) => at > axis && extent !== shape[at])) return null;
  const strides = rowMajorStrides(shape);
  return begin.reduce((sum, first, at) => sum + first * strides[at], 0);
}

/** A slice as a pick: trailing axes that are taken whole are copied with the axis before them in one run. */
export function planPick(
  shape: readonly number[], begin: readonly number[], size: readonly number[],
): { start: number; extents: readonly number[]; steps: readonly number[] } {
  let axis = shape.length - 1;
  while (axis > 0 && size[axis] === shape[axis]) axis--;
  const strides = rowMajorStrides(shape);
  return {
    start: begin.reduce((sum, first, i) => sum + first * strides[i], 0),
    extents: [...size.slice(0, Math.max(axis, 0)), shape.length === 0 ? 1 : size[axis] * strides[axis]],
    steps: [...strides.slice(0, Math.max(axis, 0)), 1],
  };
}

export function slice(a: FloatArray, shape: readonly number[], begin: readonly number[], size: readonly number[], out: FloatArray): void {
  if (out.length === 0) return;
  const { start, extents, steps } = planPick(shape, begin, size);
  pick(a, start, extents, steps, out);
}

/** Concatenation as `outer` rows that take a run from each part in turn. */
export function planConcatRuns(shapes: readonly (readonly number[])[], axis: number): { outer: number; runs: readonly number[] } {
  return { outer: sizeOf(shapes[0].slice(0, axis)), runs: shapes.map((shape) => sizeOf(shape.slice(axis))) };
}

export function concat(parts: readonly FloatArray[], shapes: readonly (readonly number[])[], axis: number, out: FloatArray): void {
  const { outer, runs } = planConcatRuns(shapes, axis);
  let at = 0;
  for (let row = 0; row < outer; row++) {
    for (let part = 0; part < parts.length; part++) {
      const run = runs[part];
      out.set(parts[part].subarray(row * run, (row + 1) * run), at);
      at += run;
    }
  }
}

export function gather(table: FloatArray, rowLength: number, indices: Int32Array, out: FloatArray): void {
  if (rowLength === 1) {
    for (let i = 0; i < indices.length; i++) out[i] = table[indices[i]];
    return;
  }
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * rowLength;
    out.set(table.subarray(from, from + rowLength), i * rowLength);
  }
}
