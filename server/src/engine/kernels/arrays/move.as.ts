/** Entries in another order: axes exchanged, parts picked, rows spread. */

import { copyOne, logSize } from "./entries.as";
import { entry } from "./nest.as";

/** Copies whole entries; sixteen bytes at a time, which for short runs is faster than the general copy. */
@inline
function copyRun(from: usize, to: usize, bytes: usize): void {
  if (bytes >= 2048) {
    memory.copy(to, from, bytes);
    return;
  }
  let at: usize = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
  for (; at < bytes; at += 4) store<u32>(to + at, load<u32>(from + at));
}

/** Four rows of four float32 entries, `fromStep` bytes apart, become four columns, `toStep` bytes apart. */
@inline
function swapFour(from: usize, fromStep: usize, to: usize, toStep: usize): void {
  const a = v128.load(from), b = v128.load(from + fromStep), c = v128.load(from + 2 * fromStep), d = v128.load(from + 3 * fromStep);
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7), cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(ab, cd, 0, 2));
  v128.store(to + toStep, v128.shuffle<f64>(ab, cd, 1, 3));
  v128.store(to + 2 * toStep, v128.shuffle<f64>(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * toStep, v128.shuffle<f64>(abHigh, cdHigh, 1, 3));
}

/** Side of the square tile that keeps both the rows read and the rows written in the first-level cache. */
const tile: i32 = 32;

/** to[batch, c, r] = from[batch, r, c] */
@inline
function swap(single: bool, batch: i32, rows: i32, cols: i32, from: usize, to: usize): void {
  for (let item: i32 = 0; item < batch; item++) {
    for (let r0: i32 = 0; r0 < rows; r0 += tile) {
      const r1 = min<i32>(rows, r0 + tile);
      for (let c0: i32 = 0; c0 < cols; c0 += tile) {
        const c1 = min<i32>(cols, c0 + tile);
        // Float32 goes in squares of four; what is left over goes entry by entry, below.
        const fourRows = single ? r0 + ((r1 - r0) & ~3) : r0;
        const fourCols = single ? c0 + ((c1 - c0) & ~3) : c0;
        for (let c: i32 = c0; c < fourCols; c += 4) {
          for (let r: i32 = r0; r < fourRows; r += 4) {
            swapFour(from + (<usize>(r * cols + c) << 2), <usize>cols << 2, to + (<usize>(c * rows + r) << 2), <usize>rows << 2);
          }
        }
        for (let c: i32 = c0; c < c1; c++) {
          const start = c < fourCols ? fourRows : r0;
          let source = from + (<usize>(start * cols + c) << logSize(single));
          let target = to + (<usize>(c * rows + start) << logSize(single));
          for (let r: i32 = start; r < r1; r++) {
            copyOne(single, source, target);
            source += <usize>cols << logSize(single);
            target += 1 << logSize(single);
          }
        }
      }
    }
    from += <usize>(rows * cols) << logSize(single);
    to += <usize>(rows * cols) << logSize(single);
  }
}

export function swap32(batch: i32, rows: i32, cols: i32, from: usize, to: usize): void {
  swap(true, batch, rows, cols, from, to);
}

export function swap64(batch: i32, rows: i32, cols: i32, from: usize, to: usize): void {
  swap(false, batch, rows, cols, from, to);
}

/** Gathers entries with any steps into a dense array. The table at `nest` holds extents, steps, and room for the index. */
@inline
function pick(single: bool, levels: i32, nest: usize, rows: i32, from: usize, to: usize): void {
  const count = load<i32>(entry(nest, levels, 0, levels - 1));
  const step = <usize>load<i32>(entry(nest, levels, 1, levels - 1)) << logSize(single);
  const bytes = <usize>count << logSize(single);
  const dense = step == 1 << logSize(single);
  for (let level: i32 = 0; level < levels; level++) store<i32>(entry(nest, levels, 2, level), 0);
  for (let row: i32 = 0; row < rows; row++) {
    if (dense) copyRun(from, to, bytes);
    else {
      let source = from;
      for (let at = to; at < to + bytes; at += 1 << logSize(single)) {
        copyOne(single, source, at);
        source += step;
      }
    }
    to += bytes;
    for (let level: i32 = levels - 2; level >= 0; level--) {
      const extent = load<i32>(entry(nest, levels, 0, level));
      const levelStep = <usize>load<i32>(entry(nest, levels, 1, level)) << logSize(single);
      const index = load<i32>(entry(nest, levels, 2, level)) + 1;
      from += levelStep;
      if (index < extent) {
        store<i32>(entry(nest, levels, 2, level), index);
        break;
      }
      from -= levelStep * extent;
      store<i32>(entry(nest, levels, 2, level), 0);
    }
  }
}

export function pick32(levels: i32, nest: usize, rows: i32, from: usize, to: usize): void {
  pick(true, levels, nest, rows, from, to);
}

export function pick64(levels: i32, nest: usize, rows: i32, from: usize, to: usize): void {
  pick(false, levels, nest, rows, from, to);
}

/** Copies `rows` runs of `bytes` each, from dense rows to rows `step` bytes apart. */
export function spread(rows: i32, bytes: usize, from: usize, to: usize, step: usize): void {
  for (let row: i32 = 0; row < rows; row++) {
    copyRun(from, to, bytes);
    from += bytes;
    to += step;
  }
}
