/**
 * AssemblyScript source of the kernel for sums of squares (f_tj (K_ij + sum_a b_ta L_ja R_ai))^2 over samples t, with bits b (build: npm run
 * build:kernels). By the method of the Four Russians: for eight terms of the inner sum the 256 sums of subsets are tabulated, and the eight bits
 * of a sample say which entry belongs to it. So eight terms cost one addition, where a matrix product multiplies and adds each.
 */

/** Terms of a table; tables that are used together: 512 KiB; bytes of the neighbouring j that are treated together: a table is 32 KiB. */
const GROUP: i32 = 8, TABLES: i32 = 16, TILE: usize = 128;
const TABLE: usize = 256 * TILE;

/** Samples whose squares are summed in the precision of the numbers before they are added in float64. */
const RUN: i32 = 64;

@inline
function sizeOf(single: bool): usize {
  return single ? 4 : 8;
}

@inline
function add(single: bool, x: v128, y: v128): v128 {
  return single ? f32x4.add(x, y) : f64x2.add(x, y);
}

@inline
function mul(single: bool, x: v128, y: v128): v128 {
  return single ? f32x4.mul(x, y) : f64x2.mul(x, y);
}

@inline
function splat(single: bool, from: usize): v128 {
  return single ? v128.load32_splat(from) : v128.load64_splat(from);
}

@inline
function groupsOf(terms: i32): i32 {
  return (terms + GROUP - 1) / GROUP;
}

/** Bit a of byte [sample, group] says whether the number of term 8 group + a is positive: [n, h] -> [n, ceil(h / 8)]. */
@inline
function pack(single: bool, samples: i32, terms: i32, from: usize, bits: usize): void {
  for (let sample: i32 = 0; sample < samples; sample++) {
    for (let term: i32 = 0; term < terms; term += GROUP) {
      let byte: u32 = 0;
      for (let bit: i32 = 0, count = min(GROUP, terms - term); bit < count; bit++, from += sizeOf(single)) {
        byte |= <u32>(single ? load<f32>(from) > 0 : load<f64>(from) > 0) << bit;
      }
      store<u8>(bits++, <u8>byte);
    }
  }
}

export function pack32(samples: i32, terms: i32, from: usize, bits: usize): void {
  pack(true, samples, terms, from, bits);
}

export function pack64(samples: i32, terms: i32, from: usize, bits: usize): void {
  pack(false, samples, terms, from, bits);
}

/** Sums of all subsets of eight terms L_j R_i for the j of a tile; absent terms (from `terms` on) are zero. `into`, `outOf`: of the first term. */
@inline
function tabulate(single: bool, table: usize, terms: i32, into: usize, intoStep: usize, outOf: usize, outOfStep: usize): void {
  memory.fill(table, 0, TILE);
  for (let term: i32 = 0; term < GROUP; term++) {
    const half = TILE << <usize>term;
    if (term < terms) {
      const factor = splat(single, outOf);
      for (let at: usize = 0; at < TILE; at += 16) v128.store(table + half + at, mul(single, v128.load(into + at), factor));
      into += intoStep;
      outOf += outOfStep;
    } else {
      memory.fill(table + half, 0, TILE);
    }
    // The subsets with this term: the term alone (with the empty subset), then with all subsets of the terms before.
    for (let at: usize = TILE; at < half; at += 16) {
      v128.store(table + half + at, add(single, v128.load(table + at), v128.load(table + half + (at & (TILE - 1)))));
    }
  }
}

/** Adds the entries that a sample's bytes choose from `count` tables to the TILE bytes at `from`, into those at `to`. */
@inline
function gather(single: bool, count: i32, bits: usize, tables: usize, from: usize, to: usize): void {
  let s0 = v128.load(from), s1 = v128.load(from, 16), s2 = v128.load(from, 32), s3 = v128.load(from, 48);
  let s4 = v128.load(from, 64), s5 = v128.load(from, 80), s6 = v128.load(from, 96), s7 = v128.load(from, 112);
  for (let group: i32 = 0; group < count; group++, tables += TABLE) {
    const entry = tables + <usize>load<u8>(bits + <usize>group) * TILE;
    s0 = add(single, s0, v128.load(entry));
    s1 = add(single, s1, v128.load(entry, 16));
    s2 = add(single, s2, v128.load(entry, 32));
    s3 = add(single, s3, v128.load(entry, 48));
    s4 = add(single, s4, v128.load(entry, 64));
    s5 = add(single, s5, v128.load(entry, 80));
    s6 = add(single, s6, v128.load(entry, 96));
    s7 = add(single, s7, v128.load(entry, 112));
  }
  v128.store(to, s0);
  v128.store(to, s1, 16);
  v128.store(to, s2, 32);
  v128.store(to, s3, 48);
  v128.store(to, s4, 64);
  v128.store(to, s5, 80);
  v128.store(to, s6, 96);
  v128.store(to, s7, 112);
}

/** Adds 16 bytes of sums to numbers in float64. */
@inline
function addWide(single: bool, sums: v128, to: usize): void {
  if (single) {
    v128.store(to, f64x2.add(v128.load(to), f64x2.promote_low_f32x4(sums)));
    v128.store(to, f64x2.add(v128.load(to, 16), f64x2.promote_low_f32x4(i8x16.shuffle(sums, sums, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15))), 16);
  } else {
    v128.store(to, f64x2.add(v128.load(to), sums));
  }
}

/** Sums over samples of the squares of 64 bytes of numbers, TILE bytes apart, times weights `step` bytes apart (address 0: none), in float64. */
@inline
function addSquares(single: bool, samples: i32, numbers: usize, weights: usize, step: usize, to: usize): void {
  const lane: usize = single ? 32 : 16;
  for (let start: i32 = 0; start < samples; start += RUN) {
    let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0), s3 = i64x2.splat(0);
    for (let left = min(RUN, samples - start); left > 0; left--, numbers += TILE) {
      let x0 = v128.load(numbers), x1 = v128.load(numbers, 16), x2 = v128.load(numbers, 32), x3 = v128.load(numbers, 48);
      if (weights != 0) {
        x0 = mul(single, x0, v128.load(weights));
        x1 = mul(single, x1, v128.load(weights, 16));
        x2 = mul(single, x2, v128.load(weights, 32));
        x3 = mul(single, x3, v128.load(weights, 48));
        weights += step;
      }
      s0 = add(single, s0, mul(single, x0, x0));
      s1 = add(single, s1, mul(single, x1, x1));
      s2 = add(single, s2, mul(single, x2, x2));
      s3 = add(single, s3, mul(single, x3, x3));
    }
    addWide(single, s0, to);
    addWide(single, s1, to + lane);
    addWide(single, s2, to + 2 * lane);
    addWide(single, s3, to + 3 * lane);
  }
}

/**
 * Items `first` to `last` of i and tiles of j, i first: sums in float64, a tile for each item at `out`. Reads up to a tile beyond rows.
 * @param into L transposed [h, r] @param outOf R [h, q] @param constant K [q, r] @param weights f [n, r], address 0 for none
 * @param tables room for 16 tables @param numbers room for TILE bytes per sample
 */
@inline
function squares(
  single: bool, samples: i32, terms: i32, inputs: i32, outputs: i32, first: i32, last: i32,
  bits: usize, weights: usize, into: usize, outOf: usize, constant: usize, tables: usize, numbers: usize, out: usize,
): void {
  const groups = groupsOf(terms);
  const row = <usize>inputs * sizeOf(single);
  const tiles = <i32>((row + TILE - 1) / TILE);
  const wide: usize = single ? 2 * TILE : TILE;
  for (let item = first; item < last; item++, out += wide) {
    memory.fill(out, 0, wide);
    const i = <usize>(item / tiles), column = <usize>(item % tiles) * TILE;
    for (let start: i32 = 0; start < groups; start += TABLES) {
      const count = min(TABLES, groups - start);
      for (let group: i32 = 0; group < count; group++) {
        const term = (start + group) * GROUP;
        tabulate(
          single, tables + <usize>group * TABLE, terms - term, into + <usize>term * row + column, row,
          outOf + (<usize>term * <usize>outputs + i) * sizeOf(single), <usize>outputs * sizeOf(single),
        );
      }
      const base = constant + i * row + column;
      for (let first: i32 = 0; first < samples; first += RUN) {
        const end = min(samples, first + RUN);
        for (let sample = first; sample < end; sample++) {
          const at = numbers + <usize>sample * TILE;
          gather(single, count, bits + <usize>sample * <usize>groups + <usize>start, tables, start == 0 ? base : at, at);
        }
        if (start + TABLES < groups) continue;
        const at = numbers + <usize>first * TILE, weight = weights == 0 ? 0 : weights + <usize>first * row + column;
        addSquares(single, end - first, at, weight, row, out);
        addSquares(single, end - first, at + TILE / 2, weight == 0 ? 0 : weight + TILE / 2, row, out + wide / 2);
      }
    }
  }
}

export function squares32(
  samples: i32, terms: i32, inputs: i32, outputs: i32, first: i32, last: i32,
  bits: usize, weights: usize, into: usize, outOf: usize, constant: usize, tables: usize, numbers: usize, out: usize,
): void {
  squares(true, samples, terms, inputs, outputs, first, last, bits, weights, into, outOf, constant, tables, numbers, out);
}

export function squares64(
  samples: i32, terms: i32, inputs: i32, outputs: i32, first: i32, last: i32,
  bits: usize, weights: usize, into: usize, outOf: usize, constant: usize, tables: usize, numbers: usize, out: usize,
): void {
  squares(false, samples, terms, inputs, outputs, first, last, bits, weights, into, outOf, constant, tables, numbers, out);
}
