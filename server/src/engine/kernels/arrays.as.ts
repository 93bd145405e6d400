/**
 * AssemblyScript source of the kernels that move and combine whole arrays (build: npm run build:kernels). They work in place: addresses
 * point into the memory that holds the tensors. `single` chooses float32 (four entries at a time) or float64 (two).
 */

@inline
function logSize(single: bool): usize {
  return single ? 2 : 3;
}

@inline
function splatAt(single: bool, at: usize): v128 {
  return single ? v128.load32_splat(at) : v128.load64_splat(at);
}

// The order of these numbers is that of `binaryNames` in arrayKernels.ts.
const ADD: i32 = 0, SUB: i32 = 1, MUL: i32 = 2;

@inline
function combine(single: bool, operation: i32, x: v128, y: v128): v128 {
  if (operation == ADD) return single ? f32x4.add(x, y) : f64x2.add(x, y);
  if (operation == SUB) return single ? f32x4.sub(x, y) : f64x2.sub(x, y);
  if (operation == MUL) return single ? f32x4.mul(x, y) : f64x2.mul(x, y);
  return single ? f32x4.div(x, y) : f64x2.div(x, y);
}

/** One row; an operand that does not move is the same number for the whole row. */
@inline
function combineRow(single: bool, operation: i32, aMoves: bool, bMoves: bool, count: i32, a: usize, b: usize, out: usize): void {
  const lanes = single ? 4 : 2;
  const fixedA = splatAt(single, a);
  const fixedB = splatAt(single, b);
  let i: i32 = 0;
  for (; i + lanes <= count; i += lanes) {
    const at = <usize>i << logSize(single);
    const x = aMoves ? v128.load(a + at) : fixedA;
    const y = bMoves ? v128.load(b + at) : fixedB;
    v128.store(out + at, combine(single, operation, x, y));
  }
  for (; i < count; i++) {
    const at = <usize>i << logSize(single);
    const x = aMoves ? splatAt(single, a + at) : fixedA;
    const y = bMoves ? splatAt(single, b + at) : fixedB;
    const value = combine(single, operation, x, y);
    if (single) v128.store32_lane(out + at, value, 0);
    else v128.store64_lane(out + at, value, 0);
  }
}

/** Entry `row` of the table at `nest`: extents, steps of a, steps of b and the current index, `levels` numbers each. */
@inline
function entry(nest: usize, levels: i32, row: i32, level: i32): usize {
  return nest + (<usize>(row * levels + level) << 2);
}

/** All rows; the last level is the row. Both steps of the last level are 0 or 1, and not both 0. */
@inline
function combineNest(single: bool, operation: i32, aMoves: bool, bMoves: bool, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  const count = load<i32>(entry(nest, levels, 0, levels - 1));
  for (let level: i32 = 0; level < levels; level++) store<i32>(entry(nest, levels, 3, level), 0);
  for (let row: i32 = 0; row < rows; row++) {
    combineRow(single, operation, aMoves, bMoves, count, a, b, out);
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
function combineMoving(single: bool, operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  const aMoves = load<i32>(entry(nest, levels, 1, levels - 1)) != 0;
  const bMoves = load<i32>(entry(nest, levels, 2, levels - 1)) != 0;
  if (aMoves && bMoves) combineNest(single, operation, true, true, levels, nest, rows, a, b, out);
  else if (aMoves) combineNest(single, operation, true, false, levels, nest, rows, a, b, out);
  else combineNest(single, operation, false, true, levels, nest, rows, a, b, out);
}

@inline
function combineAny(single: bool, operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  switch (operation) {
    case ADD: combineMoving(single, ADD, levels, nest, rows, a, b, out); break;
    case SUB: combineMoving(single, SUB, levels, nest, rows, a, b, out); break;
    case MUL: combineMoving(single, MUL, levels, nest, rows, a, b, out); break;
    default: combineMoving(single, 3, levels, nest, rows, a, b, out);
  }
}

/** out = a (operation) b with broadcasting as the table at `nest` says; `rows` is the product of its extents but the last. */
export function combine32(operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  combineAny(true, operation, levels, nest, rows, a, b, out);
}

export function combine64(operation: i32, levels: i32, nest: usize, rows: i32, a: usize, b: usize, out: usize): void {
  combineAny(false, operation, levels, nest, rows, a, b, out);
}

/** Two entries as float64. */
@inline
function two(single: bool, at: usize): v128 {
  return single ? f64x2.promote_low_f32x4(v128.load64_zero(at)) : v128.load(at);
}

@inline
function putTwo(single: bool, at: usize, value: v128): void {
  if (single) v128.store64_lane(at, f32x4.demote_f64x2_zero(value), 0);
  else v128.store(at, value);
}

@inline
function one(single: bool, at: usize): f64 {
  return single ? <f64>load<f32>(at) : load<f64>(at);
}

@inline
function putOne(single: bool, at: usize, value: f64): void {
  if (single) store<f32>(at, <f32>value);
  else store<f64>(at, value);
}

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

@inline
function copyOne(single: bool, from: usize, to: usize): void {
  if (single) store<u32>(to, load<u32>(from));
  else store<u64>(to, load<u64>(from));
}

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

/** Rows that are moved together: their entries of one column fill a cache line. */
const ROWS: i32 = 8;

@inline
function difference(single: bool, from: usize, shift: f64): f64 {
  return (single ? <f64>load<f32>(from) : load<f64>(from)) - shift;
}

/** to[c, r] = from[r, c] - shift[c], in float64 */
@inline
function shiftedColumns(single: bool, rows: i32, cols: i32, from: usize, shift: usize, to: usize): void {
  const step = <usize>cols << logSize(single);
  for (let r0: i32 = 0; r0 < rows; r0 += ROWS) {
    const count = min<i32>(ROWS, rows - r0);
    for (let c: i32 = 0; c < cols; c++) {
      const own = load<f64>(shift + (<usize>c << 3));
      let at = from + <usize>r0 * step + (<usize>c << logSize(single));
      let out = to + ((<usize>c * <usize>rows + <usize>r0) << 3);
      for (let r: i32 = 0; r < count; r++, at += step, out += 8) store<f64>(out, difference(single, at, own));
    }
  }
}

export function columns32(rows: i32, cols: i32, from: usize, shift: usize, to: usize): void {
  shiftedColumns(true, rows, cols, from, shift, to);
}

export function columns64(rows: i32, cols: i32, from: usize, shift: usize, to: usize): void {
  shiftedColumns(false, rows, cols, from, shift, to);
}

/** to[r, c] = table[from[r, c]], a 1 behind each row */
@inline
function lookup(single: bool, rows: i32, cols: i32, from: usize, table: usize, to: usize): void {
  for (let row: i32 = 0; row < rows; row++) {
    for (const end = from + <usize>cols; from < end; from++) {
      const at = table + (<usize>load<u8>(from) << logSize(single));
      if (single) store<f32>(to, load<f32>(at));
      else store<f64>(to, load<f64>(at));
      to += <usize>1 << logSize(single);
    }
    if (single) store<f32>(to, 1);
    else store<f64>(to, 1);
    to += <usize>1 << logSize(single);
  }
}

export function lookup32(rows: i32, cols: i32, from: usize, table: usize, to: usize): void {
  lookup(true, rows, cols, from, table, to);
}

export function lookup64(rows: i32, cols: i32, from: usize, table: usize, to: usize): void {
  lookup(false, rows, cols, from, table, to);
}
