/** @file Matrices made of other matrices' entries: transpose, parts, chosen rows and columns. */

import { matrix, type Matrix } from "./matrix";

/** Side of the square tile that stays in the first-level cache. */
const tile = 32;

/** The first `cols` columns of a as rows, all when absent: a^T [cols, rows] */
export function transpose(a: Matrix, cols = a.cols): Matrix {
  const { rows, cols: stride, data } = a;
  const out = matrix(cols, rows);
  for (let r0 = 0; r0 < rows; r0 += tile) {
    const r1 = Math.min(rows, r0 + tile);
    for (let c0 = 0; c0 < cols; c0 += tile) {
      const c1 = Math.min(cols, c0 + tile);
      for (let c = c0; c < c1; c++) for (let r = r0; r < r1; r++) out.data[c * rows + r] = data[r * stride + c];
    }
  }
  return out;
}

/** Rows `fromRow` up to (not including) `toRow`, columns likewise. @throws RangeError outside the matrix. */
export function slice(a: Matrix, fromRow: number, toRow: number, fromCol = 0, toCol = a.cols): Matrix {
  if (!(0 <= fromRow && fromRow <= toRow && toRow <= a.rows && 0 <= fromCol && fromCol <= toCol && toCol <= a.cols)) {
    throw new RangeError(`Rows ${fromRow}..${toRow}, columns ${fromCol}..${toCol} do not lie in a ${a.rows} x ${a.cols} matrix.`);
  }
  const out = matrix(toRow - fromRow, toCol - fromCol);
  for (let row = fromRow; row < toRow; row++) {
    out.data.set(a.data.subarray(row * a.cols + fromCol, row * a.cols + toCol), (row - fromRow) * out.cols);
  }
  return out;
}

/** Writes `part` into `target` with its first entry at (row, col). @throws RangeError when it does not fit. */
export function place(target: Matrix, part: Matrix, row: number, col: number): void {
  if (row < 0 || col < 0 || row + part.rows > target.rows || col + part.cols > target.cols) {
    throw new RangeError(`A ${part.rows} x ${part.cols} part at (${row}, ${col}) does not fit into a ${target.rows} x ${target.cols} matrix.`);
  }
  for (let r = 0; r < part.rows; r++) {
    target.data.set(part.data.subarray(r * part.cols, (r + 1) * part.cols), (row + r) * target.cols + col);
  }
}

/** Column j of the result is column `columns[j]` of `a`: selects, permutes, repeats. */
export function selectColumns(a: Matrix, columns: ArrayLike<number>): Matrix {
  checkIndices("column", columns, a.cols);
  const out = matrix(a.rows, columns.length);
  for (let row = 0; row < a.rows; row++) {
    const from = row * a.cols;
    const to = row * out.cols;
    for (let j = 0; j < columns.length; j++) out.data[to + j] = a.data[from + columns[j]];
  }
  return out;
}

/** Row i of the result is row `rows[i]` of `a`. */
export function selectRows(a: Matrix, rows: ArrayLike<number>): Matrix {
  checkIndices("row", rows, a.rows);
  const out = matrix(rows.length, a.cols);
  for (let i = 0; i < rows.length; i++) out.data.set(a.data.subarray(rows[i] * a.cols, (rows[i] + 1) * a.cols), i * a.cols);
  return out;
}

function checkIndices(what: string, indices: ArrayLike<number>, count: number): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i];
    if (!Number.isInteger(index) || index < 0 || index >= count) throw new RangeError(`There is no ${what} ${index} in a matrix with ${count}.`);
  }
}
