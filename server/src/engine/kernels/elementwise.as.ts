/**
 * AssemblyScript source of the elementwise kernels (build: npm run build:kernels). Everything is computed in float64, two entries at
 * a time, and rounded once when entries are float32 (`single`). Buffers hold an even number of entries; the last may be padding.
 */

/** Entries 2i and 2i + 1 as float64. */
@inline
function get(single: bool, base: usize, i: i32): v128 {
  if (single) return f64x2.promote_low_f32x4(v128.load64_zero(base + (<usize>i << 2)));
  return v128.load(base + (<usize>i << 3));
}

@inline
function put(single: bool, base: usize, i: i32, value: v128): void {
  if (single) v128.store64_lane(base + (<usize>i << 2), f32x4.demote_f64x2_zero(value), 0);
  else v128.store(base + (<usize>i << 3), value);
}

@inline
function all(value: f64): v128 {
  return f64x2.splat(value);
}

/** value * 2^k for whole k between -2200 and 2200, in two factors because one may be no normal number. */
@inline
function timesPowerOfTwo(value: v128, k: v128): v128 {
  const low = f64x2.floor(f64x2.mul(k, all(0.5)));
  return f64x2.mul(f64x2.mul(value, powerOfTwo(low)), powerOfTwo(f64x2.sub(k, low)));
}

/** 2^k for whole k between -1022 and 1023, put together from its bits: 1.5 * 2^52 + 1023 + k carries k in its last bits. */
@inline
function powerOfTwo(k: v128): v128 {
  return i64x2.shl(f64x2.add(k, all(6755399441055744.0 + 1023.0)), 52);
}

/** Nearest whole number of x / ln 2, with x limited to where exp is neither 0 nor infinite; NaN stays. */
@inline
function halvings(x: v128): v128 {
  return f64x2.nearest(f64x2.mul(x, all(1.4426950408889634)));
}

@inline
function limited(x: v128): v128 {
  return f64x2.max(f64x2.min(x, all(710.0)), all(-746.0));
}

/** x - k ln 2, ln 2 in two parts so that the product with k is exact. */
@inline
function reduced(x: v128, k: v128): v128 {
  return f64x2.sub(f64x2.sub(x, f64x2.mul(k, all(0.6931471803691238))), f64x2.mul(k, all(1.9082149292705877e-10)));
}

/** a + b x */
@inline
function line(a: f64, b: f64, x: v128): v128 {
  return f64x2.add(all(a), f64x2.mul(all(b), x));
}

/**
 * e^r - 1 for |r| <= ln(2) / 2 by its Taylor polynomial, to degree 13 (8 for float32), where the next term is below rounding.
 * Evaluated in pairs of pairs (Estrin), so that the multiplications do not wait for each other.
 */
@inline
function expm1Small(single: bool, r: v128): v128 {
  const r2 = f64x2.mul(r, r);
  const r4 = f64x2.mul(r2, r2);
  const low = f64x2.add(line(1.0 / 2.0, 1.0 / 6.0, r), f64x2.mul(line(1.0 / 24.0, 1.0 / 120.0, r), r2));
  let p: v128;
  if (single) {
    const high = f64x2.add(line(1.0 / 720.0, 1.0 / 5040.0, r), f64x2.mul(all(1.0 / 40320.0), r2));
    p = f64x2.add(low, f64x2.mul(high, r4));
  } else {
    const middle = f64x2.add(line(1.0 / 720.0, 1.0 / 5040.0, r), f64x2.mul(line(1.0 / 40320.0, 1.0 / 362880.0, r), r2));
    const high = f64x2.add(line(1.0 / 3628800.0, 1.0 / 39916800.0, r), f64x2.mul(line(1.0 / 479001600.0, 1.0 / 6227020800.0, r), r2));
    p = f64x2.add(low, f64x2.mul(f64x2.add(middle, f64x2.mul(high, r4)), r4));
  }
  return f64x2.add(r, f64x2.mul(r2, p));
}

@inline
function exp2lanes(single: bool, input: v128): v128 {
  const x = limited(input);
  const k = halvings(x);
  return timesPowerOfTwo(f64x2.add(all(1), expm1Small(single, reduced(x, k))), k);
}

/** tanh(x) = e / (e + 2) with e = exp(2|x|) - 1, which keeps its digits near 0. */
@inline
function tanh2lanes(single: bool, input: v128): v128 {
  // Beyond 20 the result is 1 to the last digit.
  const x = f64x2.min(f64x2.mul(f64x2.abs(input), all(2)), all(40));
  const k = halvings(x);
  const power = powerOfTwo(k);
  const e = f64x2.add(f64x2.mul(power, expm1Small(single, reduced(x, k))), f64x2.sub(power, all(1)));
  const t = f64x2.div(e, f64x2.add(e, all(2)));
  return v128.or(t, v128.and(input, all(-0.0)));
}

/** 1 / (1 + e^-x) */
@inline
function sigmoid2lanes(single: bool, x: v128): v128 {
  return f64x2.div(all(1), f64x2.add(all(1), exp2lanes(single, f64x2.neg(x))));
}

/** erf of one number by Taylor polynomials around the multiples of 1/4 (host/erf.ts): `table` holds 14 coefficients for each of 25
 * centres. */
@inline
function erf1(x: f64, table: usize): f64 {
  const size = min<f64>(abs<f64>(x), 6);
  const index = <i32>(size * 4 + 0.5);
  const t = size - <f64>index * 0.25;
  const row = table + <usize>(index * 14) * 8;
  // Two interleaved Horner chains halve the wait.
  const t2 = t * t;
  let even = load<f64>(row, 96), odd = load<f64>(row, 104);
  even = even * t2 + load<f64>(row, 80); odd = odd * t2 + load<f64>(row, 88);
  even = even * t2 + load<f64>(row, 64); odd = odd * t2 + load<f64>(row, 72);
  even = even * t2 + load<f64>(row, 48); odd = odd * t2 + load<f64>(row, 56);
  even = even * t2 + load<f64>(row, 32); odd = odd * t2 + load<f64>(row, 40);
  even = even * t2 + load<f64>(row, 16); odd = odd * t2 + load<f64>(row, 24);
  even = even * t2 + load<f64>(row); odd = odd * t2 + load<f64>(row, 8);
  return copysign<f64>(even + odd * t, x);
}

@inline
function erf2lanes(x: v128, table: usize): v128 {
  // NaN cannot be turned into an index, so it goes around.
  const known = f64x2.eq(x, x);
  const clean = v128.and(x, known);
  const first = erf1(f64x2.extract_lane(clean, 0), table);
  const second = erf1(f64x2.extract_lane(clean, 1), table);
  return v128.bitselect(f64x2.replace_lane(f64x2.splat(first), 1, second), x, known);
}

/** x * factor, and 0 instead of -infinity * 0 */
@inline
function timesRising(x: v128, factor: v128): v128 {
  return f64x2.mul(f64x2.max(x, all(-1e300)), factor);
}

@inline
function geluArgument(x: v128): v128 {
  return f64x2.mul(f64x2.mul(x, all(0.7978845608028654)), f64x2.add(all(1), f64x2.mul(all(0.044715), f64x2.mul(x, x))));
}

@inline
function normalCdf(x: v128, table: usize): v128 {
  return f64x2.mul(all(0.5), f64x2.add(all(1), erf2lanes(f64x2.mul(x, all(0.7071067811865476)), table)));
}

/** 1 where x > 0, 0 where not, NaN for NaN. */
@inline
function positive(x: v128): v128 {
  return v128.or(v128.and(all(1), f64x2.gt(x, all(0))), f64x2.ne(x, x));
}

// The order of these numbers is that of `operations` in elementwiseKernels.ts.
const EXP: i32 = 0, RELU: i32 = 1, LEAKY_RELU: i32 = 2, TANH: i32 = 3, SIGMOID: i32 = 4, SILU: i32 = 5, GELU: i32 = 6, GELU_NEW: i32 = 7;
const RELU_SLOPE: i32 = 8, LEAKY_RELU_SLOPE: i32 = 9, TANH_SLOPE: i32 = 10, SIGMOID_SLOPE: i32 = 11, SILU_SLOPE: i32 = 12, GELU_SLOPE: i32 = 13, GELU_NEW_SLOPE: i32 = 14;
const MAXIMUM: i32 = 15;

@inline
function evaluate(single: bool, operation: i32, x: v128, parameter: f64, table: usize): v128 {
  switch (operation) {
    case EXP: return exp2lanes(single, x);
    case RELU: return f64x2.max(x, all(0));
    case MAXIMUM: return f64x2.max(x, all(parameter));
    case LEAKY_RELU: return v128.bitselect(f64x2.mul(x, all(parameter)), x, f64x2.lt(x, all(0)));
    case TANH: return tanh2lanes(single, x);
    case SIGMOID: return sigmoid2lanes(single, x);
    case SILU: return timesRising(x, sigmoid2lanes(single, x));
    case GELU: return timesRising(x, normalCdf(x, table));
    case GELU_NEW: return timesRising(x, f64x2.mul(all(0.5), f64x2.add(all(1), tanh2lanes(single, geluArgument(x)))));
    case RELU_SLOPE: return positive(x);
    case LEAKY_RELU_SLOPE: return f64x2.add(all(parameter), f64x2.mul(all(1 - parameter), positive(x)));
    case TANH_SLOPE: {
      const t = tanh2lanes(single, x);
      return f64x2.sub(all(1), f64x2.mul(t, t));
    }
    case SIGMOID_SLOPE: return f64x2.mul(sigmoid2lanes(single, x), sigmoid2lanes(single, f64x2.neg(x)));
    case SILU_SLOPE: {
      // At infinity the sigmoid is 0 or 1 long before x matters.
      const bounded = f64x2.max(f64x2.min(x, all(800)), all(-800));
      return f64x2.mul(sigmoid2lanes(single, bounded), f64x2.add(all(1), f64x2.mul(bounded, sigmoid2lanes(single, f64x2.neg(bounded)))));
    }
    case GELU_SLOPE: {
      const bounded = f64x2.max(f64x2.min(x, all(50)), all(-50));
      const density = f64x2.mul(all(0.3989422804014327), exp2lanes(single, f64x2.mul(all(-0.5), f64x2.mul(bounded, bounded))));
      return f64x2.add(normalCdf(bounded, table), f64x2.mul(bounded, density));
    }
    default: {
      const bounded = f64x2.max(f64x2.min(x, all(50)), all(-50));
      const t = tanh2lanes(single, geluArgument(bounded));
      const rise = f64x2.sub(all(1), f64x2.mul(t, t));
      const inner = f64x2.mul(all(0.7978845608028654), f64x2.add(all(1), f64x2.mul(all(0.134145), f64x2.mul(bounded, bounded))));
      return f64x2.mul(all(0.5), f64x2.add(f64x2.add(all(1), t), f64x2.mul(f64x2.mul(bounded, rise), inner)));
    }
  }
}

@inline
function loop(single: bool, operation: i32, count: i32, from: usize, to: usize, parameter: f64, table: usize): void {
  for (let i: i32 = 0; i < count; i += 2) put(single, to, i, evaluate(single, operation, get(single, from, i), parameter, table));
}

@inline
function select(single: bool, operation: i32, count: i32, from: usize, to: usize, parameter: f64, table: usize): void {
  // One loop per operation, so that the choice is made once.
  switch (operation) {
    case EXP: loop(single, EXP, count, from, to, parameter, table); break;
    case RELU: loop(single, RELU, count, from, to, parameter, table); break;
    case LEAKY_RELU: loop(single, LEAKY_RELU, count, from, to, parameter, table); break;
    case TANH: loop(single, TANH, count, from, to, parameter, table); break;
    case SIGMOID: loop(single, SIGMOID, count, from, to, parameter, table); break;
    case SILU: loop(single, SILU, count, from, to, parameter, table); break;
    case GELU: loop(single, GELU, count, from, to, parameter, table); break;
    case GELU_NEW: loop(single, GELU_NEW, count, from, to, parameter, table); break;
    case RELU_SLOPE: loop(single, RELU_SLOPE, count, from, to, parameter, table); break;
    case LEAKY_RELU_SLOPE: loop(single, LEAKY_RELU_SLOPE, count, from, to, parameter, table); break;
    case TANH_SLOPE: loop(single, TANH_SLOPE, count, from, to, parameter, table); break;
    case SIGMOID_SLOPE: loop(single, SIGMOID_SLOPE, count, from, to, parameter, table); break;
    case SILU_SLOPE: loop(single, SILU_SLOPE, count, from, to, parameter, table); break;
    case GELU_SLOPE: loop(single, GELU_SLOPE, count, from, to, parameter, table); break;
    case GELU_NEW_SLOPE: loop(single, GELU_NEW_SLOPE, count, from, to, parameter, table); break;
    case MAXIMUM: loop(single, MAXIMUM, count, from, to, parameter, table); break;
    default: unreachable();
  }
}

/** to[i] = operation(from[i]) for `count` float32 entries; `parameter` is a slope or a floor, `table` the coefficients of erf. */
export function map32(operation: i32, count: i32, from: usize, to: usize, parameter: f64, table: usize): void {
  select(true, operation, count, from, to, parameter, table);
}

/** The same in float64. */
export function map64(operation: i32, count: i32, from: usize, to: usize, parameter: f64, table: usize): void {
  select(false, operation, count, from, to, parameter, table);
}

/**
 * Softmax of each row; `from` and `to` do not overlap. Rows may have an odd width: the entry written behind a row is overwritten by the
 * next one, and behind the last row there must be room for one entry.
 */
@inline
function softmax(single: bool, rows: i32, width: i32, from: usize, to: usize): void {
  const even = width & ~1;
  for (let row: i32 = 0; row < rows; row++) {
    const start = row * width;
    let top = all(-Infinity);
    for (let i: i32 = 0; i < even; i += 2) top = f64x2.max(top, get(single, from, start + i));
    if (even < width) top = f64x2.max(top, f64x2.splat(f64x2.extract_lane(get(single, from, start + even), 0)));
    top = f64x2.splat(max<f64>(f64x2.extract_lane(top, 0), f64x2.extract_lane(top, 1)));
    let sum = all(0);
    for (let i: i32 = 0; i < width; i += 2) {
      const e = exp2lanes(single, f64x2.sub(get(single, from, start + i), top));
      put(single, to, start + i, e);
      sum = f64x2.add(sum, i < even ? e : f64x2.replace_lane(e, 1, 0));
    }
    const scale = f64x2.splat(1 / (f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
    for (let i: i32 = 0; i < width; i += 2) put(single, to, start + i, f64x2.mul(get(single, to, start + i), scale));
  }
}

export function softmax32(rows: i32, width: i32, from: usize, to: usize): void {
  softmax(true, rows, width, from, to);
}

export function softmax64(rows: i32, width: i32, from: usize, to: usize): void {
  softmax(false, rows, width, from, to);
}
