/**
 * AssemblyScript source of the kernels for the secular equation 1/rho + sum z_i^2 / (d_i - lambda) = 0 (LAPACK dlaed4, part of gemm.as.ts): its roots
 * are the eigenvalues of diag(d) + rho z z^T. Each root is found relative to its nearest pole, so that all differences d_i - lambda keep their
 * digits. Poles d ascend and are distinct, no z is zero, rho is positive. Addresses are bytes; all numbers are float64.
 */

const UNIT_ROUNDOFF: f64 = 1.1102230246251565e-16;
const SMALLEST: f64 = 5e-324;
const MOST_STEPS: i32 = 80;

@inline
function item(base: usize, index: i32): usize {
  return base + (<usize>index << 3);
}

@inline
function sumOf(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** sum z_i^2 / (d_i - origin - root) over `from` <= i < `to`; the sum of the squares of z_i / (d_i - origin - root) is left in `slope`. */
let slope: f64 = 0;
function partialSum(from: i32, to: i32, poles: usize, z: usize, origin: f64, root: f64): f64 {
  let sums = f64x2.splat(0), squares = f64x2.splat(0);
  const origins = f64x2.splat(origin), roots = f64x2.splat(root);
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const weights = v128.load(item(z, i));
    const ratios = f64x2.div(weights, f64x2.sub(f64x2.sub(v128.load(item(poles, i)), origins), roots));
    sums = f64x2.add(sums, f64x2.mul(weights, ratios));
    squares = f64x2.add(squares, f64x2.mul(ratios, ratios));
  }
  let sum = sumOf(sums), square = sumOf(squares);
  if (i < to) {
    const weight = load<f64>(item(z, i)), ratio = weight / (load<f64>(item(poles, i)) - origin - root);
    sum += weight * ratio;
    square += ratio * ratio;
  }
  slope = square;
  return sum;
}

/**
 * Roots `first` to `last` of `count`, to `roots`; row j of `differences` [count, count] becomes d - root j.
 * @param zNorm2 sum of the squares of z
 */
export function secularRoots(count: i32, poles: usize, z: usize, rho: f64, zNorm2: f64, first: i32, last: i32, roots: usize, differences: usize): void {
  for (let j = first; j < last; j++) {
    const row = item(differences, j * count);
    let origin = load<f64>(item(poles, j));
    let root = rho * zNorm2;
    if (count > 1) {
      const isLast = j == count - 1;
      const width = isLast ? root : load<f64>(item(poles, j + 1)) - origin;
      // The sign at the middle of the interval tells which pole is nearer.
      const middle = width / 2;
      const value = 1 / rho + partialSum(0, count, poles, z, origin, middle);
      if (isLast || value > 0) {
        const isLow = value > 0;
        root = refine(count, poles, z, rho, isLast ? count - 2 : j, isLast, origin, middle, isLow ? 0 : middle, isLow ? middle : width * (1 + 4 * UNIT_ROUNDOFF) + SMALLEST);
      } else {
        origin = load<f64>(item(poles, j + 1));
        root = refine(count, poles, z, rho, j, false, origin, middle - width, middle - width, 0);
      }
    }
    for (let i = 0; i < count; i++) store<f64>(item(row, i), load<f64>(item(poles, i)) - origin - root);
    store<f64>(item(roots, j), origin + root);
  }
}

/**
 * Middle-way iteration: the sums over the poles up to `p` and after it are each replaced by one rational term with the same value
 * and slope; the root of the resulting quadratic is the next guess. Steps that leave low .. high are replaced by bisection.
 */
function refine(count: i32, poles: usize, z: usize, rho: f64, p: i32, isLast: bool, origin: f64, start: f64, low: f64, high: f64): f64 {
  let root = start;
  for (let step = 0; step < MOST_STEPS; step++) {
    const lower = partialSum(0, p + 1, poles, z, origin, root), lowerSlope = slope;
    const upper = partialSum(p + 1, count, poles, z, origin, root), upperSlope = slope;
    const value = 1 / rho + lower + upper;
    const rounding = UNIT_ROUNDOFF * (1 / rho + 8 * (abs(lower) + abs(upper)) + abs(root) * (lowerSlope + upperSlope));
    if (abs(value) <= rounding) break;
    if (value < 0) low = max(low, root);
    else high = min(high, root);

    const before = load<f64>(item(poles, p)) - origin - root, after = load<f64>(item(poles, p + 1)) - origin - root;
    let change = quadraticStep(value, lowerSlope, upperSlope, before, after, isLast, high - root);
    if (!(value * change < 0)) change = -value / (lowerSlope + upperSlope);
    let next = root + change;
    if (!(next > low && next < high)) next = bisect(low, high, step);
    if (next == root || high - low <= 2 * UNIT_ROUNDOFF * max(abs(low), abs(high))) break;
    root = next;
  }
  return root;
}

/** Step to the root of c + (a, b terms of the two poles); see dlaed4. */
function quadraticStep(value: f64, lowerSlope: f64, upperSlope: f64, before: f64, after: f64, isLast: bool, room: f64): f64 {
  let c = value - before * lowerSlope - after * upperSlope;
  const a = (before + after) * value - before * after * (lowerSlope + upperSlope);
  const b = before * after * value;
  if (isLast && c < 0) c = -c;
  const root = sqrt(max(0.0, a * a - 4 * b * c));
  if (isLast) {
    if (c == 0) return room;
    return a >= 0 ? (a + root) / (2 * c) : (2 * b) / (a - root);
  }
  if (c == 0) return b / a;
  return a <= 0 ? (a - root) / (2 * c) : (2 * b) / (a + root);
}

/** A point between low and high; towards a pole at 0 by orders of magnitude, because the root may be tiny. */
function bisect(low: f64, high: f64, step: i32): f64 {
  const factor: f64 = step > 3 ? 1.0 / 1024 : 0.25;
  const next = low == 0 ? high * factor : high == 0 ? low * factor : (low + high) / 2;
  return next > low && next < high ? next : (low + high) / 2;
}

/**
 * Entries `first` to `last` of the vector in place of z for which the computed roots are exact (Gu & Eisenstat 1994), to `out`: eigenvectors built from
 * it are orthogonal to working precision. @param differences as `secularRoots` wrote them
 */
export function secularWeights(count: i32, poles: usize, z: usize, first: i32, last: i32, differences: usize, out: usize): void {
  for (let i = first; i < last; i++) store<f64>(item(out, i), load<f64>(item(differences, i * count + i)));
  for (let j = 0; j < count; j++) {
    const row = item(differences, j * count), pole = load<f64>(item(poles, j));
    multiplyRatios(first, min(j, last), poles, pole, row, out);
    multiplyRatios(max(j + 1, first), last, poles, pole, row, out);
  }
  for (let i = first; i < last; i++) store<f64>(item(out, i), copysign(sqrt(abs(load<f64>(item(out, i)))), load<f64>(item(z, i))));
}

@inline
function multiplyRatios(from: i32, to: i32, poles: usize, pole: f64, row: usize, out: usize): void {
  const own = f64x2.splat(pole);
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const ratios = f64x2.div(v128.load(item(row, i)), f64x2.sub(v128.load(item(poles, i)), own));
    v128.store(item(out, i), f64x2.mul(v128.load(item(out, i)), ratios));
  }
  if (i < to) store<f64>(item(out, i), load<f64>(item(out, i)) * (load<f64>(item(row, i)) / (load<f64>(item(poles, i)) - pole)));
}

/**
 * Rows `first` to `last` of `differences` become eigenvectors of norm 1, their entries in the given order (32-bit places).
 * @param weights of `secularWeights` @param room for `count` numbers
 */
export function secularVectors(count: i32, weights: usize, order: usize, first: i32, last: i32, differences: usize, room: usize): void {
  for (let j = first; j < last; j++) {
    const row = item(differences, j * count);
    let square: f64 = 0;
    for (let i = 0; i < count; i++) {
      const entry = load<f64>(item(weights, i)) / load<f64>(item(row, i));
      store<f64>(item(room, i), entry);
      square += entry * entry;
    }
    const scale = 1 / sqrt(square);
    for (let i = 0; i < count; i++) store<f64>(item(row, i), load<f64>(item(room, load<i32>(order + (<usize>i << 2)))) * scale);
  }
}
