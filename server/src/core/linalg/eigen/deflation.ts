/**
 * @file Deflation before a merge (LAPACK dlaed2): eigenvalues of the two halves that are already right are set aside, either because
 * their component of z is negligible or because two equal ones are rotated so that one component vanishes.
 */

/** Where the entries of an eigenvector are: in the first half, in both, in the second half; or set aside. */
export const enum Kind { First = 1, Both = 2, Second = 3, Deflated = 4 }

export interface Deflation {
  /** Indices that stay, their values ascending. */
  staying: number[];
  deflated: number[];
  kinds: Uint8Array;
}

/**
 * `values` (changed by rotations) are the eigenvalues of both halves, each half ascending, the first with `firstCount` entries;
 * `z` (changed) is the coupling vector of norm 1 and `rho` > 0 its strength. `rotate(p, q, c, s)` turns eigenvector rows p and q.
 */
export function deflate(
  values: Float64Array, z: Float64Array, firstCount: number, rho: number,
  rotate: (p: number, q: number, c: number, s: number) => void,
): Deflation {
  const count = values.length;
  const order = mergeOrder(values, firstCount);
  const kinds = new Uint8Array(count).map((_, i) => (i < firstCount ? Kind.First : Kind.Second));
  const staying: number[] = [];
  const deflated: number[] = [];
  let largestValue = 0;
  let largestZ = 0;
  for (let i = 0; i < count; i++) {
    largestValue = Math.max(largestValue, Math.abs(values[i]));
    largestZ = Math.max(largestZ, Math.abs(z[i]));
  }
  const tolerance = 8 * Number.EPSILON * Math.max(largestValue, largestZ);
  if (rho * largestZ <= tolerance) return { staying, deflated: Array.from(order), kinds };

  let previous = -1;
  for (const j of order) {
    if (rho * Math.abs(z[j]) <= tolerance) {
      kinds[j] = Kind.Deflated;
      deflated.push(j);
      continue;
    }
    if (previous < 0) {
      previous = j;
      continue;
    }
    const length = Math.hypot(z[j], z[previous]);
    const c = z[j] / length;
    const s = -z[previous] / length;
    if (Math.abs((values[j] - values[previous]) * c * s) <= tolerance) {
      z[j] = length;
      z[previous] = 0;
      if (kinds[j] !== kinds[previous]) kinds[j] = Kind.Both;
      kinds[previous] = Kind.Deflated;
      rotate(previous, j, c, s);
      const aside = values[previous] * c * c + values[j] * s * s;
      values[j] = values[previous] * s * s + values[j] * c * c;
      values[previous] = aside;
      deflated.push(previous);
    } else {
      staying.push(previous);
    }
    previous = j;
  }
  if (previous >= 0) staying.push(previous);
  return { staying, deflated, kinds };
}

/** Indices of two ascending runs in ascending order of their values. */
function mergeOrder(values: Float64Array, firstCount: number): Int32Array {
  const order = new Int32Array(values.length);
  let first = 0;
  let second = firstCount;
  for (let to = 0; to < order.length; to++) {
    const takeFirst = second >= values.length || (first < firstCount && values[first] <= values[second]);
    order[to] = takeFirst ? first++ : second++;
  }
  return order;
}
