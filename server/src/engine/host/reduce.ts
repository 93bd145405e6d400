/** @file Sums and arg-max on typed arrays. Sums are carried in float64 whatever the operands are. */

import type { FloatArray } from "../engine";

/** One pass of a sum: [outer, reduced, inner] -> [outer, inner]. */
export interface SumPass { readonly outer: number; readonly reduced: number; readonly inner: number }

/** The passes of a sum over `axes` (sorted, counted from the front) of a row-major array: one for each run of neighbouring axes, from the last. */
export function sumPasses(shape: readonly number[], axes: readonly number[]): SumPass[] {
  const passes: SumPass[] = [];
  const extents = [...shape];
  for (let last = axes.length - 1; last >= 0; ) {
    let first = last;
    while (first > 0 && axes[first - 1] === axes[first] - 1) first--;
    const from = axes[first];
    const to = axes[last] + 1;
    passes.push({ outer: product(extents, 0, from), reduced: product(extents, from, to), inner: product(extents, to, extents.length) });
    extents.fill(1, from, to);
    last = first - 1;
  }
  return passes;
}

/** Sum, or sum of squares, over `axes` of a row-major array of shape `shape`, written to `out`. */
export function sum(a: FloatArray, shape: readonly number[], axes: readonly number[], squared: boolean, out: FloatArray): void {
  let values: FloatArray = squared ? new Float64Array(a).map((value) => value * value) : a;
  for (const { outer, reduced, inner } of sumPasses(shape, axes)) values = sumMiddle(values, outer, reduced, inner);
  out.set(values);
}

function product(extents: readonly number[], from: number, to: number): number {
  let size = 1;
  for (let axis = from; axis < to; axis++) size *= extents[axis];
  return size;
}

/** [outer, reduced, inner] -> [outer, inner] */
function sumMiddle(a: FloatArray, outer: number, reduced: number, inner: number): Float64Array {
  const out = new Float64Array(outer * inner);
  for (let o = 0; o < outer; o++) {
    const start = o * reduced * inner;
    if (inner === 1) out[o] = sumRun(a, start, start + reduced);
    else for (let r = 0; r < reduced; r++) addRow(out, o * inner, a, start + r * inner, inner);
  }
  return out;
}

/** In four chains, so that one addition does not wait for the last. */
function sumRun(a: FloatArray, from: number, to: number): number {
  let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    s0 += a[i];
    s1 += a[i + 1];
    s2 += a[i + 2];
    s3 += a[i + 3];
  }
  for (; i < to; i++) s0 += a[i];
  return s0 + s1 + (s2 + s3);
}

function addRow(out: Float64Array, at: number, a: FloatArray, from: number, length: number): void {
  for (let i = 0; i < length; i++) out[at + i] += a[from + i];
}

/** Index of the largest entry of each row of length `width`; the first one on ties, and the first NaN if there is one. */
export function argMax(a: FloatArray, width: number, rows: number): Int32Array {
  const out = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let best = 0;
    for (let i = 1; i < width; i++) {
      const value = a[start + i];
      const top = a[start + best];
      if (value > top || (value !== value && top === top)) best = i;
    }
    out[row] = best;
  }
  return out;
}
