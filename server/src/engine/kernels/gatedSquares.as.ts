/**
 * AssemblyScript source of the kernel for sums of squares (f_tj (K_ij + sum_a b_ta L_ja R_ai))^2 over samples t, with bits b (build: npm run
 * build:kernels). By the method of the Four Russians: for six terms of the inner sum the 64 sums of subsets are tabulated, and the six bits
 * of a sample say which entry belongs to it. So six terms cost one addition, where a matrix product multiplies and adds each. (Eight terms would
 * be fewer additions, but their tables are four times as large, further from the processor, and take a call of few samples longer than its sums.)
 */

import { add, addRow, sizeOf, TILE, TILE_BITS } from "./tiles.as";

/** Terms of a table, and tables that are used together: 192 KiB, where one table of a tile of neighbouring j is 8 KiB. */
const GROUP: i32 = 6, TABLES: i32 = 24;
const ENTRIES: usize = 64;
const TABLE: usize = ENTRIES * TILE;

/** Samples whose squares are summed in the precision of the numbers before they are added in float64. */
const RUN: i32 = 64;

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

/** Bit a of byte [sample, group] says whether the number of term 6 group + a is positive: [n, h] -> [n, ceil(h / 6)]. */
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

/** Sums of all subsets of six terms L_j R_i for the j of a tile; absent terms (from `terms` on) are zero. `into`, `outOf`: of the first term. */
@inline
function tabulate(single: bool, table: usize, terms: i32, into: usize, intoStep: usize, outOf: usize, outOfStep: usize): void {
  memory.fill(table, 0, TILE);
  for (let term: i32 = 0; term < GROUP; term++) {
    const half = TILE << <usize>term;
    const own = table + half;
    if (term < terms) {
      const factor = splat(single, outOf);
      for (let at: usize = 0; at < TILE; at += 16) v128.store(own + at, mul(single, v128.load(into + at), factor));
      into += intoStep;
      outOf += outOfStep;
    } else {
      memory.fill(own, 0, TILE);
    }
    // The subsets with this term: the term alone (with the empty subset), then with all subsets of the terms before.
    for (let at: usize = TILE; at < half; at += TILE) addRow(single, own, table + at, own + at);
  }
}

/** Adds the 16 bytes from `at` on of entries of four neighbouring tables to those at `from`, into those at `to`. */
@inline
function addEntries(single: bool, from: usize, to: usize, e0: usize, e1: usize, e2: usize, e3: usize, at: usize): void {
  const low = add(single, v128.load(e0 + at), v128.load(e1 + at, TABLE));
  const high = add(single, v128.load(e2 + at, 2 * TABLE), v128.load(e3 + at, 3 * TABLE));
  v128.store(to + at, add(single, v128.load(from + at), add(single, low, high)));
}

/** Of the entry that byte `group` of `word` chooses, `tables` and how far behind the start of its table it lies: the byte times TILE. */
@inline
function entry(word: u32, tables: usize, group: u32): usize {
  const chosen = group == 0 ? word << <u32>TILE_BITS : word >> ((group << 3) - <u32>TILE_BITS);
  return tables + (<usize>chosen & ((ENTRIES - 1) << TILE_BITS));
}

/** Adds the entries that a sample's bytes choose from `count` tables to the TILE bytes at `from`, into those at `to`. */
@inline
function gather(single: bool, count: i32, bits: usize, tables: usize, from: usize, to: usize): void {
  for (; count >= 4; count -= 4, tables += 4 * TABLE, bits += 4) {
    const word = load<u32>(bits);
    const e0 = entry(word, tables, 0), e1 = entry(word, tables, 1), e2 = entry(word, tables, 2), e3 = entry(word, tables, 3);
    addEntries(single, from, to, e0, e1, e2, e3, 0);
    addEntries(single, from, to, e0, e1, e2, e3, 16);
    addEntries(single, from, to, e0, e1, e2, e3, 32);
    addEntries(single, from, to, e0, e1, e2, e3, 48);
    addEntries(single, from, to, e0, e1, e2, e3, 64);
    addEntries(single, from, to, e0, e1, e2, e3, 80);
    addEntries(single, from, to, e0, e1, e2, e3, 96);
    addEntries(single, from, to, e0, e1, e2, e3, 112);
    from = to;
  }
  for (; count > 0; count--, tables += TABLE, bits++) {
    addRow(single, entry(<u32>load<u8>(bits), tables, 0), from, to);
    from = to;
  }
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
 * @param tables room for TABLES tables @param numbers room for TILE bytes per sample
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
