/**
 * AssemblyScript source of the kernel that sums vectors over the samples in which two conditions hold, for all pairs of conditions
 * (build: npm run build:kernels). It adds up eight samples at once, by the method of the Four Russians: the sums of all 256 subsets of eight
 * vectors are tabulated, and the eight bits of a pair say which entry belongs to it. So a pair costs one addition of vectors for eight
 * samples, where a matrix product multiplies and adds for each of them.
 */

/** Samples of a table, tables whose bits make one 64-bit word, and the bytes of vectors that are treated together: one table is 32 KiB. */
const GROUP: usize = 8, GROUPS: usize = 8, TILE: usize = 128;
const TABLE: usize = 256 * TILE;
const TABLES: usize = GROUPS * TABLE;
const SAMPLES: i32 = <i32>(GROUP * GROUPS);

@inline
function add(single: bool, x: v128, y: v128): v128 {
  return single ? f32x4.add(x, y) : f64x2.add(x, y);
}

@inline
function sizeOf(single: bool): usize {
  return single ? 4 : 8;
}

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
    for (let at: usize = TILE; at < half; at += 16) {
      v128.store(table + half + at, add(single, v128.load(table + at), v128.load(table + half + (at & (TILE - 1)))));
    }
  }
}

/** The entry that byte `group` of `word` chooses from its table. */
@inline
function entry(word: u64, tables: usize, group: usize): usize {
  return tables + group * TABLE + <usize>((word >> (group << 3)) & 255) * TILE;
}

/** Adds eight times 16 bytes to the 16 at `sums`. */
@inline
function addEntries(single: bool, sums: usize, e0: usize, e1: usize, e2: usize, e3: usize, e4: usize, e5: usize, e6: usize, e7: usize): void {
  let sum = add(single, v128.load(sums), v128.load(e0));
  sum = add(single, sum, v128.load(e1));
  sum = add(single, sum, v128.load(e2));
  sum = add(single, sum, v128.load(e3));
  sum = add(single, sum, v128.load(e4));
  sum = add(single, sum, v128.load(e5));
  sum = add(single, sum, v128.load(e6));
  v128.store(sums, add(single, sum, v128.load(e7)));
}

/** Adds the entries that the eight bytes of `word` choose to the TILE bytes at `sums`. Written out: a loop over the bytes guesses its end wrong. */
@inline
function gather(single: bool, word: u64, tables: usize, sums: usize): void {
  const e0 = entry(word, tables, 0), e1 = entry(word, tables, 1), e2 = entry(word, tables, 2), e3 = entry(word, tables, 3);
  const e4 = entry(word, tables, 4), e5 = entry(word, tables, 5), e6 = entry(word, tables, 6), e7 = entry(word, tables, 7);
  for (let at: usize = 0; at < TILE; at += 16) addEntries(single, sums + at, e0 + at, e1 + at, e2 + at, e3 + at, e4 + at, e5 + at, e6 + at, e7 + at);
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
