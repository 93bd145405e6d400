/** @file Shape rules of every engine operation: one place checks them and words the errors, for all backends. */

/** Number of entries of a tensor of this shape; 1 for a scalar (`[]`). */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** @throws RangeError unless every extent is a non-negative integer. */
function checkShape(what: string, shape: readonly number[]): void {
  if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) {
    throw new RangeError(`${what}: ${showShape(shape)} is no shape; every axis needs a whole number of entries, 0 or more.`);
  }
}

/** @throws RangeError when `length` values cannot fill `shape`. */
export function checkLength(what: string, length: number, shape: readonly number[]): void {
  checkShape(what, shape);
  if (length !== sizeOf(shape)) {
    throw new RangeError(`${what}: shape ${showShape(shape)} needs ${sizeOf(shape)} values, got ${length}.`);
  }
}

/** NumPy broadcasting: axes are aligned at the end; an axis of extent 1 stretches. */
export function broadcastShape(what: string, a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const out: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new RangeError(`${what}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast.`);
    }
    out.push(left === 1 ? right : left);
  }
  return out;
}

/** Shape of a product that is added to a sum. @throws RangeError unless it is the sum's own. */
export function productShape(sum: readonly number[], a: readonly number[], b: readonly number[]): number[] {
  const shape = broadcastShape("addProduct", a, b);
  if (shape.length !== sum.length || shape.some((extent, axis) => extent !== sum[axis])) {
    throw new RangeError(`addProduct: a product of shape ${showShape(shape)} cannot be added to a sum of shape ${showShape(sum)}.`);
  }
  return shape;
}

export interface MatMulOptions { transposeA?: boolean; transposeB?: boolean }

/** A (batched) matrix product after the shapes are checked: out[i] (m x n) = op(a[i]) (m x k) op(b[i]) (k x n). */
export interface ProductPlan {
  /** Number of products; operands that are shared have one matrix for all of them. */
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly sharedA: boolean;
  readonly sharedB: boolean;
}

/** Plan and result shape of `matMul`. A shared right side under a plain left side becomes one tall product; of a single product nothing is shared. */
export function planMatMul(a: readonly number[], b: readonly number[], options: MatMulOptions = {}): { plan: ProductPlan; shape: number[] } {
  const transposeA = options.transposeA === true;
  const transposeB = options.transposeB === true;
  const refuse = (why: string): never => {
    throw new RangeError(`matMul: ${showShape(a)}${transposeA ? " transposed" : ""} x ${showShape(b)}${transposeB ? " transposed" : ""}: ${why}.`);
  };
  if (a.length < 2 || b.length < 2) return refuse("both sides need at least two axes");
  const [aRows, aCols] = a.slice(-2) as [number, number];
  const [bRows, bCols] = b.slice(-2) as [number, number];
  const m = transposeA ? aCols : aRows;
  const k = transposeA ? aRows : aCols;
  const n = transposeB ? bRows : bCols;
  if (k !== (transposeB ? bCols : bRows)) refuse("the inner axes differ");
  const leadA = a.slice(0, -2);
  const leadB = b.slice(0, -2);
  const sharedA = leadA.length === 0;
  const sharedB = leadB.length === 0;
  if (!sharedA && !sharedB && (leadA.length !== leadB.length || leadA.some((extent, axis) => extent !== leadB[axis]))) {
    refuse("the leading axes differ");
  }
  const lead = sharedA ? leadB : leadA;
  const batch = sizeOf(lead);
  const plan = { batch, m, n, k, transposeA, transposeB, sharedA, sharedB };
  const folded = batch === 1 ? { ...plan, sharedA: true, sharedB: true } : sharedB && !transposeA ? { ...plan, batch: 1, m: m * batch, sharedA: true } : plan;
  return { plan: folded, shape: [...lead, m, n] };
}

/** Axes of a reduction, sorted and counted from the front. */
export function planSum(shape: readonly number[], axes: readonly number[], keepDims: boolean): { axes: number[]; shape: number[] } {
  const sorted = [...new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)))].sort((p, q) => p - q);
  if (sorted.length !== axes.length || sorted.some((axis) => !Number.isInteger(axis) || axis < 0 || axis >= shape.length)) {
    throw new RangeError(`sum: axes ${showShape(axes)} do not exist once each in shape ${showShape(shape)}.`);
  }
  const reduced = new Set(sorted);
  const out = keepDims ? shape.map((extent, axis) => (reduced.has(axis) ? 1 : extent)) : shape.filter((_, axis) => !reduced.has(axis));
  return { axes: sorted, shape: out };
}

export function checkPermutation(shape: readonly number[], permutation: readonly number[]): void {
  const seen = new Set(permutation);
  if (permutation.length !== shape.length || seen.size !== shape.length || shape.some((_, axis) => !seen.has(axis))) {
    throw new RangeError(`transpose: ${showShape(permutation)} is no permutation of the axes of ${showShape(shape)}.`);
  }
}

export function checkSlice(shape: readonly number[], begin: readonly number[], size: readonly number[]): void {
  const fits = (axis: number): boolean => Number.isInteger(begin[axis]) && Number.isInteger(size[axis])
    && begin[axis] >= 0 && size[axis] >= 0 && begin[axis] + size[axis] <= shape[axis];
  if (begin.length !== shape.length || size.length !== shape.length || !shape.every((_, axis) => fits(axis))) {
    throw new RangeError(`slice: begin ${showShape(begin)} with size ${showShape(size)} does not lie in shape ${showShape(shape)}.`);
  }
}

/** Shape of a concatenation; `axis` counted from the front. */
export function planConcat(shapes: readonly (readonly number[])[], axis: number): { axis: number; shape: number[] } {
  const first = shapes[0];
  if (first === undefined) throw new RangeError("concat: there is nothing to concatenate.");
  const along = axis < 0 ? axis + first.length : axis;
  if (!Number.isInteger(along) || along < 0 || along >= first.length) {
    throw new RangeError(`concat: shape ${showShape(first)} has no axis ${axis}.`);
  }
  const odd = shapes.find((shape) => shape.length !== first.length || shape.some((extent, i) => i !== along && extent !== first[i]));
  if (odd !== undefined) throw new RangeError(`concat: shapes ${showShape(first)} and ${showShape(odd)} differ outside axis ${along}.`);
  const shape = [...first];
  shape[along] = shapes.reduce((sum, each) => sum + each[along], 0);
  return { axis: along, shape };
}

export function checkGather(shape: readonly number[], indices: Int32Array): void {
  const rows = shape[0];
  if (rows === undefined) throw new RangeError("gather: the table is a scalar; it needs at least one axis.");
  const bad = indices.find((index) => index < 0 || index >= rows);
  if (bad !== undefined) throw new RangeError(`gather: index ${bad} is outside the ${rows} rows of a table of shape ${showShape(shape)}.`);
}

/** Softmax and arg-max run over the last axis, so there must be one. */
export function lastAxis(what: string, shape: readonly number[]): number {
  const last = shape.at(-1);
  if (last === undefined) throw new RangeError(`${what}: a scalar has no last axis.`);
  return last;
}

/** @throws RangeError unless the last axis has one entry for each column. */
export function checkColumns(shape: readonly number[], columns: number): void {
  if (lastAxis("readColumns", shape) !== columns) throw new RangeError(`readColumns: the last axis of ${showShape(shape)} needs ${columns} entries, one for each shift.`);
}

/** @throws RangeError unless both are matrices with one row per sample. */
export function planJointSums(values: readonly number[], conditions: readonly number[]): { width: number; count: number } {
  if (values.length !== 2 || conditions.length !== 2 || values[0] !== conditions[0]) {
    throw new RangeError(`jointSums: values ${showShape(values)} and conditions ${showShape(conditions)} need one row for each sample.`);
  }
  return { width: values[1], count: conditions[1] };
}

export interface GatedSizes { readonly samples: number; readonly terms: number; readonly inputs: number; readonly outputs: number }

/** @throws RangeError when the shapes of `gatedSquares` do not fit each other. */
export function planGatedSquares(
  conditions: readonly number[], weights: readonly number[] | null, into: readonly number[], outOf: readonly number[], constant: readonly number[],
): GatedSizes {
  const [samples, terms] = conditions;
  const [inputs, outputs] = [into[0], outOf[1]];
  const wanted = [[samples, terms], [samples, inputs], [inputs, terms], [terms, outputs], [outputs, inputs]];
  const given = [conditions, weights ?? wanted[1], into, outOf, constant];
  if (given.some((shape, place) => shape.length !== 2 || shape.some((extent, axis) => extent !== wanted[place][axis]))) {
    throw new RangeError(`gatedSquares: the shapes ${given.map(showShape).join(", ")} of conditions [n, h], weights [n, r], into [r, h], outOf [h, q] and constant [q, r] do not fit.`);
  }
  return { samples, terms, inputs, outputs };
}

/** Shape of `tensorOfBytes`. @throws RangeError when the rows are not whole or a byte has no meaning. */
export function planBytes(length: number, width: number, meaning: number): number[] {
  if (length % width !== 0) throw new RangeError(`tensorOfBytes: ${length} bytes do not make rows of ${width}.`);
  if (meaning !== 256) throw new RangeError(`tensorOfBytes: the meanings of ${meaning} bytes are given instead of 256.`);
  return [length / width, width + 1];
}

/** Pairs (a, c) with a <= c of so many conditions: the rows of `jointSums`, in the order of a, then c. */
export const pairCount = (conditions: number): number => (conditions * (conditions + 1)) / 2;

/** Row of the pair (a, a). */
export const firstPair = (conditions: number, a: number): number => a * conditions - (a * (a - 1)) / 2;
