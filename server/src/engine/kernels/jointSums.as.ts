/**
 * AssemblyScript source of the kernel that sums vectors over the samples in which two conditions hold, for all pairs of conditions
 * (build: npm run build:kernels). It adds up eight samples at once, by the method of the Four Russians: the sums of all 256 subsets of eight
 * vectors are tabulated, and the eight bits of a pair say which entry belongs to it. So a pair costs one addition of vectors for eight
 * samples, where a matrix product multiplies and adds for each of them.
 */

import { add, addRow, sizeOf, TILE, TILE_BITS } from "./tiles.as";

/** Samples of a table, and tables whose bits make one 64-bit word; one table of a tile is 32 KiB. */
const GROUP: usize = 8, GROUPS: usize = 8;
const TABLE: usize = 256 * TILE;
const TABLES: usize = GROUPS * TABLE;
const SAMPLES: i32 = <i32>(GROUP * GROUPS);

/** Bit t of word [block, condition] says whether the condition's number is positive in sample 64 block + t. [n, h] -> [ceil(n / 64), h] */
@inline
function pack(single: bool, samples: i32, conditions: i32, from: usize, words: usize): void {
  memory.fill(words, 0, <usize>((samples + SAMPLES - 1) / SAMPLES) * <usize>conditions * 8);
  for (let sample: i32 = 0; sample < samples; sample++) {
    const row = words + <usize>(sample / SAMPLES) * <usize>conditions * 8;
    const bit = <u64>1 << <u64>(sample % SAMPLES);
    for (let condition: i32 = 0; condition < conditions; condition++) {
      const holds = single ? load<f32>(from) > 0 : load<f64>(from) > 0;
      from += sizeOf(single);
      const word = row + (<usize>condition << 3);
      store<u64>(word, load<u64>(word) | (bit & (0 - <u64>holds)));
    }
  }
}

export function pack32(samples: i32, conditions: i32, from: usize, words: usize): void {
  pack(true, samples, conditions, from, words);
}

export function pack64(samples: i32, conditions: i32, from: usize, words: usize): void {
  pack(false, samples, conditions, from, words);
}

/** Sums of all subsets of eight rows of `bytes` <= TILE bytes; absent rows (from `rows` on) are zero. */
@inline
function tabulate(single: bool, table: usize, from: usize, rows: usize, stride: usize, bytes: usize): void {
  memory.fill(table, 0, TILE);
  for (let row: usize = 0; row < GROUP; row++) {
    const half = TILE << row;
    // The subsets with this row: the row alone (with the empty subset), then with all subsets of the rows before.
    memory.fill(table + half, 0, TILE);
    if (row < rows) memory.copy(table + half, from + row * stride, bytes);
    for (let at: usize = TILE; at < half; at += TILE) addRow(single, table + half, table + at, table + half + at);
  }
}

/** Of the entry that byte `group` of `word` chooses, `tables` and how far behind the start of its table it lies: the byte times TILE. */
@inline
function entry(word: u64, tables: usize, group: u64): usize {
  const chosen = group == 0 ? word << <u64>TILE_BITS : word >> ((group << 3) - <u64>TILE_BITS);
  return tables + <usize>(chosen & (255 << <u64>TILE_BITS));
}

/** Adds eight times the 16 bytes from `at` on to those at `sums`, in pairs: of eight additions in a row each would wait for the one before. */
@inline
function addEntries(single: bool, sums: usize, e0: usize, e1: usize, e2: usize, e3: usize, e4: usize, e5: usize, e6: usize, e7: usize, at: usize): void {
  const s01 = add(single, v128.load(e0 + at), v128.load(e1 + at, TABLE));
  const s23 = add(single, v128.load(e2 + at, 2 * TABLE), v128.load(e3 + at, 3 * TABLE));
  const s45 = add(single, v128.load(e4 + at, 4 * TABLE), v128.load(e5 + at, 5 * TABLE));
  const s67 = add(single, v128.load(e6 + at, 6 * TABLE), v128.load(e7 + at, 7 * TABLE));
  v128.store(sums + at, add(single, v128.load(sums + at), add(single, add(single, s01, s23), add(single, s45, s67))));
}

/** Adds the entries that the eight bytes of `word` choose to the TILE bytes at `sums`. Without loops, which would take half of the time again. */
@inline
function gather(single: bool, word: u64, tables: usize, sums: usize): void {
  const e0 = entry(word, tables, 0), e1 = entry(word, tables, 1), e2 = entry(word, tables, 2), e3 = entry(word, tables, 3);
  const e4 = entry(word, tables, 4), e5 = entry(word, tables, 5), e6 = entry(word, tables, 6), e7 = entry(word, tables, 7);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 0);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 16);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 32);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 48);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 64);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 80);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 96);
  addEntries(single, sums, e0, e1, e2, e3, e4, e5, e6, e7, 112);
}

/**
 * Pairs (a, c) with `first` <= a < `last` and a <= c < h, for all vectors [n, r] and the tiles of TILE bytes of r from `tile` up to `end`: out
 * [pairs, r], rows in the order of a, then c.
 * @param tables room for TABLES bytes @param sums room for TILE bytes per pair
 */
@inline
function joint(single: bool, samples: i32, width: i32, conditions: i32, first: i32, last: i32, tile: i32, end: i32, values: usize, words: usize, tables: usize, sums: usize, out: usize): void {
  const stride = <usize>width * sizeOf(single);
  const pairs = <usize>((last - first) * conditions) - <usize>((first + last - 1) * (last - first) / 2);
  for (let column = <usize>tile * TILE, behind = min(stride, <usize>end * TILE); column < behind; column += TILE) {
    const bytes = min(TILE, stride - column);
    memory.fill(sums, 0, pairs * TILE);
    for (let start: i32 = 0, block = words; start < samples; start += SAMPLES, block += <usize>conditions << 3) {
      for (let group: i32 = 0; group < <i32>GROUPS; group++) {
        const sample = start + group * <i32>GROUP;
        const rows = <usize>max(0, min(<i32>GROUP, samples - sample));
        tabulate(single, tables + <usize>group * TABLE, values + <usize>sample * stride + column, rows, stride, bytes);
      }
      let at = sums;
      for (let a = first; a < last; a++) {
        const own = load<u64>(block + (<usize>a << 3));
        for (let c = a; c < conditions; c++, at += TILE) {
          const both = own & load<u64>(block + (<usize>c << 3));
          if (both != 0) gather(single, both, tables, at);
        }
      }
    }
    for (let pair: usize = 0; pair < pairs; pair++) memory.copy(out + pair * stride + column, sums + pair * TILE, bytes);
  }
}

export function joint32(samples: i32, width: i32, conditions: i32, first: i32, last: i32, tile: i32, end: i32, values: usize, words: usize, tables: usize, sums: usize, out: usize): void {
  joint(true, samples, width, conditions, first, last, tile, end, values, words, tables, sums, out);
}

export function joint64(samples: i32, width: i32, conditions: i32, first: i32, last: i32, tile: i32, end: i32, values: usize, words: usize, tables: usize, sums: usize, out: usize): void {
  joint(false, samples, width, conditions, first, last, tile, end, values, words, tables, sums, out);
}

/** Conditions of a tile whose counts of pairs stay near the processor. */
const TOGETHER: i32 = 32;

/**
 * Samples in which both conditions of a pair hold, for pairs (a, c) with `first` <= a < `last` and a <= c < h: out [pairs], in the order of a, then c.
 * @param room for TOGETHER * TOGETHER 32-bit counts
 */
@inline
function count(single: bool, samples: i32, conditions: i32, first: i32, last: i32, words: usize, room: usize, out: usize): void {
  const step = <usize>conditions << 3;
  for (let a0 = first; a0 < last; a0 += TOGETHER) {
    const aEnd = min(last, a0 + TOGETHER);
    for (let c0 = a0; c0 < conditions; c0 += TOGETHER) {
      const cEnd = min(conditions, c0 + TOGETHER);
      memory.fill(room, 0, <usize>(TOGETHER * TOGETHER) << 2);
      for (let start: i32 = 0, block = words; start < samples; start += SAMPLES, block += step) {
        for (let a = a0; a < aEnd; a++) {
          const own = load<u64>(block + (<usize>a << 3));
          if (own == 0) continue;
          let to = room + (<usize>((a - a0) * TOGETHER) << 2);
          for (let c = c0; c < cEnd; c++, to += 4) store<i32>(to, load<i32>(to) + <i32>popcnt(own & load<u64>(block + (<usize>c << 3))));
        }
      }
      for (let a = a0; a < aEnd; a++) {
        const row = (a - first) * conditions - ((first + a - 1) * (a - first)) / 2 - a;
        for (let c = max(a, c0); c < cEnd; c++) {
          const found = load<i32>(room + (<usize>((a - a0) * TOGETHER + c - c0) << 2)), to = out + <usize>(row + c) * sizeOf(single);
          if (single) store<f32>(to, <f32>found);
          else store<f64>(to, <f64>found);
        }
      }
    }
  }
}

export function count32(samples: i32, conditions: i32, first: i32, last: i32, words: usize, room: usize, out: usize): void {
  count(true, samples, conditions, first, last, words, room, out);
}

export function count64(samples: i32, conditions: i32, first: i32, last: i32, words: usize, room: usize, out: usize): void {
  count(false, samples, conditions, first, last, words, room, out);
}
