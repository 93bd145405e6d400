/** Sums, differences, products and quotients of two arrays with broadcasting; products added to a third array. */

import { logSize, splatAt } from "./entries.as";
import { entry } from "./nest.as";

// The order of these numbers is that of `binaryNames` in arrayKernels.ts.
const ADD: i32 = 0, SUB: i32 = 1, MUL: i32 = 2, DIV: i32 = 3;
/** Product added to `sum`; not one of the names. */
const ADD_PRODUCT: i32 = 4;

@inline
function combine(single: bool, operation: i32, x: v128, y: v128): v128 {
  if (operation == ADD) return single ? f32x4.add(x, y) : f64x2.add(x, y);
  if (operation == SUB) return single ? f32x4.sub(x, y) : f64x2.sub(x, y);
  if (operation == MUL) return single ? f32x4.mul(x, y) : f64x2.mul(x, y);
  return single ? f32x4.div(x, y) : f64x2.div(x, y);
}

/** One row; an operand that does not move is the same number for the whole row. Only ADD_PRODUCT reads `sum`. */
@inline
function combineRow(single: bool, operation: i32, aMoves: bool, bMoves: bool, count: i32, a: usize, b: usize, sum: usize, out: usize): void {
  const lanes = single ? 4 : 2;
  const fixedA = splatAt(single, a);
  const fixedB = splatAt(single, b);
  let i: i32 = 0;
  for (; i + lanes <= count; i += lanes) {
    const at = <usize>i << logSize(single);
    const x = aMoves ? v128.load(a + at) : fixedA;
    const y = bMoves ? v128.load(b + at) : fixedB;
    const value = operation == ADD_PRODUCT ? combine(single, ADD, v128.load(sum + at), combine(single, MUL, x, y)) : combine(single, operation, x, y);
    v128.store(out + at, value);
  }
  for (; i < count; i++) {
    const at = <usize>i << logSize(single);
    const x = aMoves ? splatAt(single, a + at) : fixedA;
    const y = bMoves ? splatAt(single, b + at) : fixedB;
    const value = operation == ADD_PRODUCT ? combine(single, ADD, splatAt(single, sum + at), combine(single, MUL, x, y)) : combine(single, operation, x, y);
    if (single) v128.store32_lane(out + at, value, 0);
    else v128.store64_lane(out + at, value, 0);
  }
}

/** All rows; the last level is the row. Both steps of the last level are 0 or 1, and not both 0. */
@inline
function combineNest(single: bool, operation: i32, aMoves: bool, bMoves: bool, levels: i32, nest: usize, rows: i32, a: usize, b: usize, sum: usize, out: usize): void {
  const count = load<i32>(entry(nest, levels, 0, levels - 1));
  for (let level: i32 = 0; level < levels; level++) store<i32>(entry(nest, levels, 3, level), 0);
  for (let row: i32 = 0; row < rows; row++) {
    combineRow(single, operation, aMoves, bMoves, count, a, b, sum, out);
    sum += <usize>count << logSize(single);
    out += <usize>count << logSize(single);
    for (let level: i32 = levels - 2; level >= 0; level--) {
      const extent = load<i32>(entry(nest, levels, 0, level));
      const aStep = <usize>load<i32>(entry(nest, levels, 1, level)) << logSize(single);
      const bStep = <usize>load<i32>(entry(nest, levels, 2, level)) << logSize(single);
      const index = load<i32>(entry(nest, levels, 3, level)) + 1;
      a += aStep;
      b += bStep;
      if (index < extent) {
        store<i32>(entry(nest, levels, 3, level), index);
        break;
      }
      a -= aStep * extent;
      b -= bStep * extent;
      store<i32>(entry(nest, levels, 3, level), 0);
    }
  }
}

@inline
function combineMoving(single: bool, operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, sum: usize, out: usize): void {
  const aMoves = load<i32>(entry(nest, levels, 1, levels - 1)) != 0;
  const bMoves = load<i32>(entry(nest, levels, 2, levels - 1)) != 0;
  if (aMoves && bMoves) combineNest(single, operation, true, true, levels, nest, rows, a, b, sum, out);
  else if (aMoves) combineNest(single, operation, true, false, levels, nest, rows, a, b, sum, out);
  else combineNest(single, operation, false, true, levels, nest, rows, a, b, sum, out);
}

@inline
function combineAny(single: bool, operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  switch (operation) {
    case ADD: combineMoving(single, ADD, levels, nest, rows, a, b, out, out); break;
    case SUB: combineMoving(single, SUB, levels, nest, rows, a, b, out, out); break;
    case MUL: combineMoving(single, MUL, levels, nest, rows, a, b, out, out); break;
    default: combineMoving(single, DIV, levels, nest, rows, a, b, out, out);
  }
}

/** out = a (operation) b with broadcasting as the table at `nest` says; `rows` is the product of its extents but the last. */
export function combine32(operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  combineAny(true, operation, levels, nest, rows, a, b, out);
}

export function combine64(operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  combineAny(false, operation, levels, nest, rows, a, b, out);
}

/** out = sum + a b; `sum` lies as `out` does. */
export function addProduct32(levels: i32, nest: usize, rows: i32, a: usize, b: usize, sum: usize, out: usize): void {
  combineMoving(true, ADD_PRODUCT, levels, nest, rows, a, b, sum, out);
}

export function addProduct64(levels: i32, nest: usize, rows: i32, a: usize, b: usize, sum: usize, out: usize): void {
  combineMoving(false, ADD_PRODUCT, levels, nest, rows, a, b, sum, out);
}
