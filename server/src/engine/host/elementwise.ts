/** @file Elementwise arithmetic with broadcasting on typed arrays, in loops without calls per entry. */

import type { FloatArray } from "../engine";

export type BinaryName = "add" | "sub" | "mul" | "div";

/** Broadcast loops after neighbouring axes with the same pattern are merged; the last axis is the inner loop. */
interface LoopNest { extents: number[]; aStrides: number[]; bStrides: number[] }

/**
 * Merges axes: two neighbours become one when, for both operands, both stretch or both do not.
 * What remains alternates, so that each operand steps by 1 or 0 in the innermost loop.
 */
function loopNest(out: readonly number[], a: readonly number[], b: readonly number[]): LoopNest {
  const nest: LoopNest = { extents: [], aStrides: [], bStrides: [] };
  let aStride = 1;
  let bStride = 1;
  let before: string | null = null;
  for (let axis = out.length - 1; axis >= 0; axis--) {
    const extent = out[axis];
    if (extent === 1) continue;
    const aMoves = (a[axis - out.length + a.length] ?? 1) !== 1;
    const bMoves = (b[axis - out.length + b.length] ?? 1) !== 1;
    const pattern = `${aMoves}${bMoves}`;
    if (pattern === before) {
      nest.extents[0] *= extent;
    } else {
      nest.extents.unshift(extent);
      nest.aStrides.unshift(aMoves ? aStride : 0);
      nest.bStrides.unshift(bMoves ? bStride : 0);
      before = pattern;
    }
    if (aMoves) aStride *= extent;
    if (bMoves) bStride *= extent;
  }
  if (nest.extents.length === 0) return { extents: [1], aStrides: [1], bStrides: [1] };
  return nest;
}

/** out = a (op) b with NumPy broadcasting; the shapes fit (see `broadcastShape`). */
export function binary(
  name: BinaryName,
  a: FloatArray, aShape: readonly number[],
  b: FloatArray, bShape: readonly number[],
  out: FloatArray, outShape: readonly number[],
): void {
  if (out.length === 0) return;
  const { extents, aStrides, bStrides } = loopNest(outShape, aShape, bShape);
  const inner = extents.length - 1;
  const length = extents[inner];
  const aVector = aStrides[inner] === 1;
  const bVector = bStrides[inner] === 1;
  const position = new Array<number>(inner).fill(0);
  let i = 0;
  let j = 0;
  for (let o = 0; o < out.length; o += length) {
    if (aVector && bVector) vectorVector(name, a, i, b, j, out, o, length);
    else if (aVector) vectorScalar(name, a, i, b[j], out, o, length);
    else scalarVector(name, a[i], b, j, out, o, length);
    for (let axis = inner - 1; axis >= 0; axis--) {
      i += aStrides[axis];
      j += bStrides[axis];
      position[axis]++;
      if (position[axis] < extents[axis]) break;
      i -= aStrides[axis] * extents[axis];
      j -= bStrides[axis] * extents[axis];
      position[axis] = 0;
    }
  }
}

function vectorVector(name: BinaryName, a: FloatArray, i: number, b: FloatArray, j: number, out: FloatArray, o: number, length: number): void {
  const end = o + length;
  switch (name) {
    case "add": for (; o < end; o++, i++, j++) out[o] = a[i] + b[j]; break;
    case "sub": for (; o < end; o++, i++, j++) out[o] = a[i] - b[j]; break;
    case "mul": for (; o < end; o++, i++, j++) out[o] = a[i] * b[j]; break;
    case "div": for (; o < end; o++, i++, j++) out[o] = a[i] / b[j]; break;
  }
}

function vectorScalar(name: BinaryName, a: FloatArray, i: number, b: number, out: FloatArray, o: number, length: number): void {
  const end = o + length;
  switch (name) {
    case "add": for (; o < end; o++, i++) out[o] = a[i] + b; break;
    case "sub": for (; o < end; o++, i++) out[o] = a[i] - b; break;
    case "mul": for (; o < end; o++, i++) out[o] = a[i] * b; break;
    case "div": for (; o < end; o++, i++) out[o] = a[i] / b; break;
  }
}

function scalarVector(name: BinaryName, a: number, b: FloatArray, j: number, out: FloatArray, o: number, length: number): void {
  const end = o + length;
  switch (name) {
    case "add": for (; o < end; o++, j++) out[o] = a + b[j]; break;
    case "sub": for (; o < end; o++, j++) out[o] = a - b[j]; break;
    case "mul": for (; o < end; o++, j++) out[o] = a * b[j]; break;
    case "div": for (; o < end; o++, j++) out[o] = a / b[j]; break;
  }
}

export function affine(a: FloatArray, factor: number, offset: number, out: FloatArray): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i] * factor + offset;
}

export function square(a: FloatArray, out: FloatArray): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i] * a[i];
}

export function sqrt(a: FloatArray, out: FloatArray): void {
  for (let i = 0; i < out.length; i++) out[i] = Math.sqrt(a[i]);
}
