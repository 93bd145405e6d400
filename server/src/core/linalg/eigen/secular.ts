/**
 * @file Roots of the secular equation 1/rho + sum z_i^2 / (d_i - lambda) = 0 (LAPACK dlaed4): the eigenvalues of
 * diag(d) + rho z z^T. Each root is found relative to its nearest pole, so that all differences d_i - lambda keep their digits.
 */

const unitRoundoff = 2 ** -53;
const maxSteps = 80;

/** diag(poles) + rho z z^T with ascending distinct poles, no zero in z, rho > 0. */
export interface SecularProblem {
  readonly poles: Float64Array;
  readonly z: Float64Array;
  readonly rho: number;
  /** Sum of squares of z. */
  readonly zNorm2: number;
}

/** Root `j`; writes poles[i] - root to `differences[at + i]`. */
export function secularRoot(problem: SecularProblem, j: number, differences: Float64Array, at: number): number {
  const { poles, z, rho, zNorm2 } = problem;
  const count = poles.length;
  if (count === 1) {
    const shift = rho * z[0] * z[0];
    differences[at] = -shift;
    return poles[0] + shift;
  }
  const last = j === count - 1;
  const width = last ? rho * zNorm2 : poles[j + 1] - poles[j];
  // The sign at the middle of the interval tells which pole is nearer.
  const middle = width / 2;
  let value = 1 / rho;
  for (let i = 0; i < count; i++) value += (z[i] * z[i]) / (poles[i] - poles[j] - middle);
  const left = last || value > 0;
  const origin = left ? poles[j] : poles[j + 1];
  const bracket = !left ? { low: middle - width, high: 0 }
    : value > 0 ? { low: 0, high: middle }
      : { low: middle, high: width * (1 + 4 * unitRoundoff) + Number.MIN_VALUE };
  const root = refine(problem, last ? count - 2 : j, last, origin, left ? middle : middle - width, bracket);
  for (let i = 0; i < count; i++) differences[at + i] = poles[i] - origin - root;
  return origin + root;
}

/**
 * Middle-way iteration: the sums over the poles up to `p` and after it are each replaced by one rational term with the same value
 * and slope; the root of the resulting quadratic is the next guess. Steps that leave the bracket are replaced by bisection.
 */
function refine(
  { poles, z, rho }: SecularProblem, p: number, last: boolean, origin: number, start: number, bracket: { low: number; high: number },
): number {
  const count = poles.length;
  let { low, high } = bracket;
  let root = start;
  for (let step = 0; step < maxSteps; step++) {
    let lower = 0, lowerSlope = 0, upper = 0, upperSlope = 0;
    for (let i = 0; i <= p; i++) {
      const ratio = z[i] / (poles[i] - origin - root);
      lower += z[i] * ratio;
      lowerSlope += ratio * ratio;
    }
    for (let i = p + 1; i < count; i++) {
      const ratio = z[i] / (poles[i] - origin - root);
      upper += z[i] * ratio;
      upperSlope += ratio * ratio;
    }
    const value = 1 / rho + lower + upper;
    const rounding = unitRoundoff * (1 / rho + 8 * (Math.abs(lower) + Math.abs(upper)) + Math.abs(root) * (lowerSlope + upperSlope));
    if (Math.abs(value) <= rounding) break;
    if (value < 0) low = Math.max(low, root);
    else high = Math.min(high, root);

    const first = poles[p] - origin - root;
    const second = poles[p + 1] - origin - root;
    let change = quadraticStep(value, lowerSlope, upperSlope, first, second, last, high - root);
    if (!(value * change < 0)) change = -value / (lowerSlope + upperSlope);
    let next = root + change;
    if (!(next > low && next < high)) next = bisect(low, high, step);
    if (next === root || high - low <= 2 * unitRoundoff * Math.max(Math.abs(low), Math.abs(high))) break;
    root = next;
  }
  return root;
}

/** Step to the root of c + (a, b terms of the two poles); see dlaed4. */
function quadraticStep(value: number, lowerSlope: number, upperSlope: number, first: number, second: number, last: boolean, room: number): number {
  let c = value - first * lowerSlope - second * upperSlope;
  const a = (first + second) * value - first * second * (lowerSlope + upperSlope);
  const b = first * second * value;
  if (last && c < 0) c = -c;
  const root = Math.sqrt(Math.max(0, a * a - 4 * b * c));
  if (last) {
    if (c === 0) return room;
    return a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
  }
  if (c === 0) return b / a;
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/** A point inside the bracket; towards a pole at 0 by orders of magnitude, because the root may be tiny. */
function bisect(low: number, high: number, step: number): number {
  const factor = step > 3 ? 1 / 1024 : 1 / 4;
  const next = low === 0 ? high * factor : high === 0 ? low * factor : (low + high) / 2;
  return next > low && next < high ? next : (low + high) / 2;
}

/**
 * Replaces z by the vector for which the computed roots are exact (Gu & Eisenstat 1994), so that eigenvectors built from it are
 * orthogonal to working precision. `differences` holds row j = poles - root j, as `secularRoot` wrote it.
 */
export function refinedZ({ poles, z }: SecularProblem, differences: Float64Array, at: number): Float64Array {
  const count = poles.length;
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = differences[at + i * count + i];
  for (let j = 0; j < count; j++) {
    const row = at + j * count;
    const pole = poles[j];
    for (let i = 0; i < j; i++) out[i] *= differences[row + i] / (poles[i] - pole);
    for (let i = j + 1; i < count; i++) out[i] *= differences[row + i] / (poles[i] - pole);
  }
  for (let i = 0; i < count; i++) out[i] = Math.sqrt(Math.abs(out[i])) * (z[i] < 0 ? -1 : 1);
  return out;
}
