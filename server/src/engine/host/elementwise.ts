/** @file Elementwise arithmetic with broadcasting on typed arrays, in loops without calls per entry. */

import type { FloatArray } from "../engine";

export type BinaryName = "add" | "sub" | "mul" | "div";

/** Loops are called for pieces of this length: V8 compiles a function that is called often better than one long loop in its middle. */
const piece = 4096;

/** Broadcast loops after neighbouring axes with the same pattern are merged; the last axis is the inner loop. */
export interface LoopNest { extents: number[]; aStrides: number[]; bStrides: number[] }

/**
 * Merges axes: two neighbours become one when, for both operands, both stretch or both do not.
 * What remains alternates, so that each operand steps by 1 or 0 in the innermost loop.
 */
export function loopNest(out: readonly number[], a: readonly number[], b: readonly number[]): LoopNest {
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
    for (let from = 0; from < length; from += piece) {
      const count = Math.min(piece, length - from);
      if (aVector && bVector) vectorVector(name, a, i + from, b, j + from, out, o + from, count);
      else if (aVector) vectorScalar(name, a, i + from, b[j], out, o + from, count);
      else scalarVector(name, a[i], b, j + from, out, o + from, count);
    }
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
  switch (name) {
    case "add": for (let t = 0; t < length; t++) out[o + t] = a[i + t] + b[j + t]; break;
    case "sub": for (let t = 0; t < length; t++) out[o + t] = a[i + t] - b[j + t]; break;
    case "mul": for (let t = 0; t < length; t++) out[o + t] = a[i + t] * b[j + t]; break;
    case "div": for (let t = 0; t < length; t++) out[o + t] = a[i + t] / b[j + t]; break;
  }
}

function vectorScalar(name: BinaryName, a: FloatArray, i: number, b: number, out: FloatArray, o: number, length: number): void {
  switch (name) {
    case "add": for (let t = 0; t < length; t++) out[o + t] = a[i + t] + b; break;
    case "sub": for (let t = 0; t < length; t++) out[o + t] = a[i + t] - b; break;
    case "mul": for (let t = 0; t < length; t++) out[o + t] = a[i + t] * b; break;
    case "div": for (let t = 0; t < length; t++) out[o + t] = a[i + t] / b; break;
  }
}

function scalarVector(name: BinaryName, a: number, b: FloatArray, j: number, out: FloatArray, o: number, length: number): void {
  switch (name) {
    case "add": for (let t = 0; t < length; t++) out[o + t] = a + b[j + t]; break;
    case "sub": for (let t = 0; t < length; t++) out[o + t] = a - b[j + t]; break;
    case "mul": for (let t = 0; t < length; t++) out[o + t] = a * b[j + t]; break;
    case "div": for (let t = 0; t < length; t++) out[o + t] = a / b[j + t]; break;
  }
}

/** out = sum + a b with NumPy broadcasting of a and b to the shape of the sum. */
export function addProduct(
  sum: FloatArray, a: FloatArray, aShape: readonly number[], b: FloatArray, bShape: readonly number[], out: FloatArray, outShape: readonly number[],
): void {
  binary("mul", a, aShape, b, bShape, out, outShape);
  for (let from = 0; from < out.length; from += piece) vectorVector("add", sum, from, out, from, out, from, Math.min(piece, out.length - from));
}

export function affine(a: FloatArray, factor: number, offset: number, out: FloatArray): void {
  for (let from = 0; from < out.length; from += piece) affinePiece(a, factor, offset, out, from, Math.min(out.length, from + piece));
}

export function square(a: FloatArray, out: FloatArray): void {
  for (let from = 0; from < out.length; from += piece) squarePiece(a, out, from, Math.min(out.length, from + piece));
}

export function sqrt(a: FloatArray, out: FloatArray): void {
  for (let from = 0; from < out.length; from += piece) sqrtPiece(a, out, from, Math.min(out.length, from + piece));
}

function affinePiece(a: FloatArray, factor: number, offset: number, out: FloatArray, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = a[i] * factor + offset;
}

function squarePiece(a: FloatArray, out: FloatArray, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = a[i] * a[i];
}

function sqrtPiece(a: FloatArray, out: FloatArray, from: number, to: number): void {
  for (let i = from; i < to; i++) out[i] = Math.sqrt(a[i]);
}
