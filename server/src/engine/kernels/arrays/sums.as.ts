/** Linear maps of entries, and sums along an axis: carried in float64. */

import { logSize, one, putOne, putTwo, two } from "./entries.as";

/** Computed in float64 and rounded once. */
@inline
function affine(single: bool, count: i32, from: usize, to: usize, factor: f64, offset: f64): void {
  const factors = f64x2.splat(factor);
  const offsets = f64x2.splat(offset);
  let i: i32 = 0;
  for (; i + 2 <= count; i += 2) {
    const at = <usize>i << logSize(single);
    putTwo(single, to + at, f64x2.add(f64x2.mul(two(single, from + at), factors), offsets));
  }
  for (; i < count; i++) {
    const at = <usize>i << logSize(single);
    putOne(single, to + at, one(single, from + at) * factor + offset);
  }
}

/** to[i] = from[i] * factor + offset */
export function affine32(count: i32, from: usize, to: usize, factor: f64, offset: f64): void {
  affine(true, count, from, to, factor, offset);
}

export function affine64(count: i32, from: usize, to: usize, factor: f64, offset: f64): void {
  affine(false, count, from, to, factor, offset);
}

@inline
function squareOrNot(squared: bool, x: v128): v128 {
  return squared ? f64x2.mul(x, x) : x;
}

/** Entries of a block of columns whose sums stay in the first-level cache while the rows go by. */
const columns: i32 = 1024;

/** [outer, reduced, inner] -> float64 [outer, inner]: sums, or sums of squares, carried in float64. */
@inline
function sum(single: bool, squared: bool, outer: i32, reduced: i32, inner: i32, from: usize, to: usize): void {
  if (inner == 1) {
    for (let o: i32 = 0; o < outer; o++) {
      // Four chains, so that one addition does not wait for the last.
      let first = f64x2.splat(0), second = f64x2.splat(0);
      let i: i32 = 0;
      for (; i + 4 <= reduced; i += 4) {
        const at = from + (<usize>i << logSize(single));
        first = f64x2.add(first, squareOrNot(squared, two(single, at)));
        second = f64x2.add(second, squareOrNot(squared, two(single, at + (single ? 8 : 16))));
      }
      const both = f64x2.add(first, second);
      let total = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
      for (; i < reduced; i++) {
        const value = one(single, from + (<usize>i << logSize(single)));
        total += squared ? value * value : value;
      }
      store<f64>(to + (<usize>o << 3), total);
      from += <usize>reduced << logSize(single);
    }
    return;
  }
  for (let o: i32 = 0; o < outer; o++) {
    for (let first: i32 = 0; first < inner; first += columns) {
      const count = min<i32>(columns, inner - first);
      const target = to + (<usize>first << 3);
      memory.fill(target, 0, <usize>count << 3);
      for (let r: i32 = 0; r < reduced; r++) {
        const row = from + (<usize>(r * inner + first) << logSize(single));
        let i: i32 = 0;
        for (; i + 2 <= count; i += 2) {
          const at = target + (<usize>i << 3);
          v128.store(at, f64x2.add(v128.load(at), squareOrNot(squared, two(single, row + (<usize>i << logSize(single))))));
        }
        if (i < count) {
          const at = target + (<usize>i << 3);
          const value = one(single, row + (<usize>i << logSize(single)));
          store<f64>(at, load<f64>(at) + (squared ? value * value : value));
        }
      }
    }
    from += <usize>(reduced * inner) << logSize(single);
    to += <usize>inner << 3;
  }
}

export function sum32(squared: bool, outer: i32, reduced: i32, inner: i32, from: usize, to: usize): void {
  if (squared) sum(true, true, outer, reduced, inner, from, to);
  else sum(true, false, outer, reduced, inner, from, to);
}

export function sum64(squared: bool, outer: i32, reduced: i32, inner: i32, from: usize, to: usize): void {
  if (squared) sum(false, true, outer, reduced, inner, from, to);
  else sum(false, false, outer, reduced, inner, from, to);
}
