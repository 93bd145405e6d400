/** @file Dense float64 matrix, row-major: the type of every d x d quantity of the method. */

/** `data[row * cols + col]` */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** @throws RangeError when the length of `data` is not rows * cols. */
export function matrix(rows: number, cols: number, data: Float64Array = new Float64Array(rows * cols)): Matrix {
  if (data.length !== rows * cols) {
    throw new RangeError(`A ${rows} x ${cols} matrix needs ${rows * cols} values, got ${data.length}.`);
  }
  return { rows, cols, data };
}
