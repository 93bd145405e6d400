/** @file Columns of rows of numbers in float64, in plain loops. */

import type { FloatArray } from "../engine";

/** Rows that are moved together: their entries of one column fill a cache line. */
const rowsTogether = 8;

/** out[c, r] = x[r, c] - shift[c] */
function columns(x: FloatArray, shift: Float64Array, out: Float64Array): void {
  const width = shift.length;
  const rows = x.length / width;
  for (let first = 0; first < rows; first += rowsTogether) {
    const end = Math.min(rows, first + rowsTogether);
    for (let col = 0; col < width; col++) {
      for (let row = first; row < end; row++) out[col * rows + row] = x[row * width + col] - shift[col];
    }
  }
}

/** The same for `rows` rows at a time: `body` gets [d, count]. */
export function forEachColumns(values: FloatArray, shift: Float64Array, rows: number, body: (columns: Float64Array, count: number) => void): void {
  const width = shift.length;
  const all = values.length / width;
  const room = new Float64Array(Math.min(rows, all) * width);
  for (let start = 0; start < all; start += rows) {
    const count = Math.min(rows, all - start);
    const out = room.subarray(0, count * width);
    columns(values.subarray(start * width, (start + count) * width), shift, out);
    body(out, count);
  }
}
