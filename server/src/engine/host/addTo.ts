/** @file Adds numbers of any kind to sums in float64. */

/**
 * target += factor * values, entry by entry.
 * @throws RangeError when there are not as many.
 */
export function addTo(target: Float64Array, values: ArrayLike<number>, factor: number): void {
  if (values.length !== target.length) throw new RangeError(`${values.length} values cannot be added to ${target.length} sums.`);
  // A function for each kind of array: the compiled loop of one that sees several kinds is many times slower.
  if (values instanceof Float32Array) addSingle(target, values, factor);
  else if (values instanceof Float64Array) addDouble(target, values, factor);
  else for (let i = 0; i < values.length; i++) target[i] += factor * values[i];
}

function addSingle(target: Float64Array, values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) target[i] += factor * values[i];
}

function addDouble(target: Float64Array, values: Float64Array, factor: number): void {
  for (let i = 0; i < values.length; i++) target[i] += factor * values[i];
}
