/** @file Sums and arg-max on typed arrays. Sums are carried in float64 whatever the operands are. */

import type { FloatArray } from "../engine";

/** Sum over `axes` (sorted, counted from the front) of a row-major array of shape `shape`, written to `out`. */
export function sum(a: FloatArray, shape: readonly number[], axes: readonly number[], out: FloatArray): void {
  let values: FloatArray = a;
  const extents = [...shape];
  for (let last = axes.length - 1; last >= 0; ) {
    let first = last;
    while (first > 0 && axes[first - 1] === axes[first] - 1) first--;
    const from = axes[first];
    const to = axes[last] + 1;
    const outer = product(extents, 0, from);
    const reduced = product(extents, from, to);
    const inner = product(extents, to, extents.length);
    values = sumMiddle(values, outer, reduced, inner);
    extents.fill(1, from, to);
    last = first - 1;
  }
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
  let at = 0;
  if (inner === 1) {
    for (let o = 0; o < outer; o++) {
      let total = 0;
      for (const end = at + reduced; at < end; at++) total += a[at];
      out[o] = total;
    }
    return out;
  }
  for (let o = 0; o < outer; o++) {
    const start = o * inner;
    const end = start + inner;
    for (let r = 0; r < reduced; r++) for (let i = start; i < end; i++, at++) out[i] += a[at];
  }
  return out;
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
