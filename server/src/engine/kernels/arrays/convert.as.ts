/** Entries as other numbers in another place: columns in float64 without their means, bytes as what a table says. */

import { logSize, one } from "./entries.as";

/** Rows that are moved together: their entries of one column fill a cache line. */
const ROWS: i32 = 8;

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
      for (let r: i32 = 0; r < count; r++, at += step, out += 8) store<f64>(out, one(single, at) - own);
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
