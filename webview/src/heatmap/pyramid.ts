/**
 * @file Halved copies of a matrix in which every cell holds the value of largest size, with its sign, of the four
 * below it: nothing strong disappears when the picture is zoomed out. (A mean would wash single entries out.)
 */

import type { ViewMatrix } from "../../../server/src/protocol/views";

export interface Level { rows: number; cols: number; values: Float32Array }

/** Smaller levels would never be drawn. */
const smallest = 64;

/** @param rowOrder and `colOrder`: place k shows row rowOrder[k]; null leaves them as they are. */
export function pyramid(matrix: ViewMatrix, rowOrder: Uint32Array | null, colOrder: Uint32Array | null): Level[] {
  const levels: Level[] = [{ rows: matrix.rows, cols: matrix.cols, values: permuted(matrix, rowOrder, colOrder) }];
  for (;;) {
    const below = levels.at(-1)!;
    if (Math.max(below.rows, below.cols) <= smallest) return levels;
    levels.push(halved(below));
  }
}

function permuted({ rows, cols, values }: ViewMatrix, rowOrder: Uint32Array | null, colOrder: Uint32Array | null): Float32Array {
  if (rowOrder === null && colOrder === null) return values;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const from = (rowOrder === null ? row : rowOrder[row]!) * cols;
    for (let col = 0; col < cols; col++) result[row * cols + col] = values[from + (colOrder === null ? col : colOrder[col]!)]!;
  }
  return result;
}

function halved({ rows, cols, values }: Level): Level {
  const halfRows = Math.ceil(rows / 2);
  const halfCols = Math.ceil(cols / 2);
  const result = new Float32Array(halfRows * halfCols);
  for (let row = 0; row < halfRows; row++) {
    for (let col = 0; col < halfCols; col++) {
      let strongest = 0;
      for (let y = 2 * row; y < Math.min(rows, 2 * row + 2); y++) {
        for (let x = 2 * col; x < Math.min(cols, 2 * col + 2); x++) {
          const value = values[y * cols + x]!;
          if (Math.abs(value) > Math.abs(strongest) || Number.isNaN(value)) strongest = value;
        }
      }
      result[row * halfCols + col] = strongest;
    }
  }
  return { rows: halfRows, cols: halfCols, values: result };
}

/** The coarsest level that still has a cell for every pixel. */
export function levelFor(levels: readonly Level[], cellsPerPixel: number): number {
  let level = 0;
  while (level + 1 < levels.length && 2 ** (level + 1) <= cellsPerPixel) level++;
  return level;
}
