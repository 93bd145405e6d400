/**
 * AssemblyScript source of the matrix kernels (build: npm run build:kernels). Compiled twice, without and with relaxed SIMD,
 * which has fused multiply-add but is not available everywhere.
 *
 * Matrix product in the way of Goto & van de Geijn (ACM TOMS 34, 2008): blocks of A and B are packed into contiguous strips that
 * stay in the caches, and a register kernel multiplies a 4-row strip of A with a 32-byte-wide strip of B.
 * All addresses are bytes, all strides and leading dimensions are entries.
 */

export { secularRoots, secularVectors, secularWeights } from "./secular.as";

/** Rows of a strip of A. */
const STRIP: i32 = 4;
/** Rows of A, depth, and columns of B of a packed block; the work area of `gemm` must hold both blocks and one 4 x 8 tile. */
const BLOCK_ROWS: i32 = 128;
const BLOCK_DEPTH: i32 = 256;
const BLOCK_COLS: i32 = 512;

/** Columns of a strip of B: two vectors of 16 bytes. */
@inline
function stripCols<T>(): i32 {
  return 32 / sizeof<T>();
}

@inline
function at<T>(base: usize, index: usize): usize {
  return base + index * sizeof<T>();
}

/** a * b + c */
@inline
function madd64(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(c, f64x2.mul(a, b));
}

@inline
function madd32(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Packs `rows` x `depth` of op(A) into strips of 4 rows, each strip depth-first; missing rows become zeros. */
function packA<T>(rows: i32, depth: i32, a: usize, rowStride: usize, colStride: usize, packed: usize): void {
  const step = colStride * sizeof<T>();
  for (let i: i32 = 0; i < rows; i += STRIP) {
    let to = at<T>(packed, i * depth);
    let a0 = at<T>(a, i * rowStride);
    if (rows - i >= STRIP) {
      let a1 = at<T>(a0, rowStride), a2 = at<T>(a1, rowStride), a3 = at<T>(a2, rowStride);
      for (let k: i32 = 0; k < depth; k++) {
        store<T>(to, load<T>(a0));
        store<T>(to + sizeof<T>(), load<T>(a1));
        store<T>(to + 2 * sizeof<T>(), load<T>(a2));
        store<T>(to + 3 * sizeof<T>(), load<T>(a3));
        a0 += step; a1 += step; a2 += step; a3 += step;
        to += STRIP * sizeof<T>();
      }
    } else {
      for (let k: i32 = 0; k < depth; k++) {
        for (let r: i32 = 0; r < STRIP; r++) {
          store<T>(at<T>(to, r), i + r < rows ? load<T>(at<T>(a0, r * rowStride)) : <T>0);
        }
        a0 += step;
        to += STRIP * sizeof<T>();
      }
    }
  }
}

/** Packs `depth` x `cols` of op(B) into strips of 32 bytes width; missing columns become zeros. */
function packB<T>(depth: i32, cols: i32, b: usize, rowStride: usize, colStride: usize, packed: usize): void {
  const width = stripCols<T>();
  const step = rowStride * sizeof<T>();
  for (let j: i32 = 0; j < cols; j += width) {
    let to = at<T>(packed, j * depth);
    let from = at<T>(b, j * colStride);
    const present = min(width, cols - j);
    if (present == width && colStride == 1) {
      for (let k: i32 = 0; k < depth; k++) {
        v128.store(to, v128.load(from));
        v128.store(to, v128.load(from, 16), 16);
        from += step;
        to += 32;
      }
    } else {
      for (let k: i32 = 0; k < depth; k++) {
        for (let c: i32 = 0; c < width; c++) {
          store<T>(at<T>(to, c), c < present ? load<T>(at<T>(from, c * colStride)) : <T>0);
        }
        from += step;
        to += 32;
      }
    }
  }
}

/** 4 x 4 tile of C += alpha * strip of A * strip of B; `rowBytes` leads to the next row of C. */
function tile64(depth: i32, a: usize, b: usize, c: usize, rowBytes: usize, alpha: f64): void {
  let c00 = f64x2.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (let k: i32 = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load64_splat(a);
    c00 = madd64(x, b0, c00); c01 = madd64(x, b1, c01);
    x = v128.load64_splat(a, 8);
    c10 = madd64(x, b0, c10); c11 = madd64(x, b1, c11);
    x = v128.load64_splat(a, 16);
    c20 = madd64(x, b0, c20); c21 = madd64(x, b1, c21);
    x = v128.load64_splat(a, 24);
    c30 = madd64(x, b0, c30); c31 = madd64(x, b1, c31);
    a += 32;
    b += 32;
  }
  const s = f64x2.splat(alpha);
  addScaledRow64(c, s, c00, c01); c += rowBytes;
  addScaledRow64(c, s, c10, c11); c += rowBytes;
  addScaledRow64(c, s, c20, c21); c += rowBytes;
  addScaledRow64(c, s, c30, c31);
}

@inline
function addScaledRow64(c: usize, s: v128, low: v128, high: v128): void {
  v128.store(c, f64x2.add(v128.load(c), f64x2.mul(s, low)));
  v128.store(c, f64x2.add(v128.load(c, 16), f64x2.mul(s, high)), 16);
}

/** 4 x 8 tile of C += alpha * strip of A * strip of B. */
function tile32(depth: i32, a: usize, b: usize, c: usize, rowBytes: usize, alpha: f32): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00, c30 = c00, c31 = c00;
  for (let k: i32 = 0; k < depth; k++) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let x = v128.load32_splat(a);
    c00 = madd32(x, b0, c00); c01 = madd32(x, b1, c01);
    x = v128.load32_splat(a, 4);
    c10 = madd32(x, b0, c10); c11 = madd32(x, b1, c11);
    x = v128.load32_splat(a, 8);
    c20 = madd32(x, b0, c20); c21 = madd32(x, b1, c21);
    x = v128.load32_splat(a, 12);
    c30 = madd32(x, b0, c30); c31 = madd32(x, b1, c31);
    a += 16;
    b += 32;
  }
  const s = f32x4.splat(alpha);
  addScaledRow32(c, s, c00, c01); c += rowBytes;
  addScaledRow32(c, s, c10, c11); c += rowBytes;
  addScaledRow32(c, s, c20, c21); c += rowBytes;
  addScaledRow32(c, s, c30, c31);
}

@inline
function addScaledRow32(c: usize, s: v128, low: v128, high: v128): void {
  v128.store(c, f32x4.add(v128.load(c), f32x4.mul(s, low)));
  v128.store(c, f32x4.add(v128.load(c, 16), f32x4.mul(s, high)), 16);
}

@inline
function tile<T>(depth: i32, a: usize, b: usize, c: usize, rowBytes: usize, alpha: T): void {
  if (sizeof<T>() == 8) tile64(depth, a, b, c, rowBytes, <f64>alpha);
  else tile32(depth, a, b, c, rowBytes, <f32>alpha);
}

/** Multiplies one packed block pair into C (rows x cols). Tiles that stick out go through `scratch`. */
function multiplyPacked<T>(rows: i32, cols: i32, depth: i32, packedA: usize, packedB: usize, c: usize, ldc: usize, alpha: T, scratch: usize): void {
  const width = stripCols<T>();
  const rowBytes = ldc * sizeof<T>();
  for (let j: i32 = 0; j < cols; j += width) {
    const b = at<T>(packedB, j * depth);
    const tileCols = min(width, cols - j);
    for (let i: i32 = 0; i < rows; i += STRIP) {
      const a = at<T>(packedA, i * depth);
      const tileRows = min(STRIP, rows - i);
      const to = c + <usize>i * rowBytes + <usize>j * sizeof<T>();
      if (tileRows == STRIP && tileCols == width) {
        tile<T>(depth, a, b, to, rowBytes, alpha);
      } else {
        memory.fill(scratch, 0, STRIP * 32);
        tile<T>(depth, a, b, scratch, 32, alpha);
        for (let r: i32 = 0; r < tileRows; r++) {
          for (let s: i32 = 0; s < tileCols; s++) {
            const q = to + <usize>r * rowBytes + <usize>s * sizeof<T>();
            store<T>(q, load<T>(q) + load<T>(at<T>(scratch, r * width + s)));
          }
        }
      }
    }
  }
}

function gemm<T>(
  m: i32, n: i32, k: i32, alpha: T,
  a: usize, aRow: usize, aCol: usize,
  b: usize, bRow: usize, bCol: usize,
  keep: i32, c: usize, ldc: usize, work: usize,
): void {
  const packedB = at<T>(work, BLOCK_ROWS * BLOCK_DEPTH);
  const scratch = at<T>(packedB, BLOCK_DEPTH * BLOCK_COLS);
  if (!keep) for (let i: i32 = 0; i < m; i++) memory.fill(at<T>(c, i * ldc), 0, <usize>n * sizeof<T>());
  for (let j: i32 = 0; j < n; j += BLOCK_COLS) {
    const cols = min(BLOCK_COLS, n - j);
    for (let l: i32 = 0; l < k; l += BLOCK_DEPTH) {
      const depth = min(BLOCK_DEPTH, k - l);
      packB<T>(depth, cols, at<T>(b, l * bRow + j * bCol), bRow, bCol, packedB);
      for (let i: i32 = 0; i < m; i += BLOCK_ROWS) {
        const rows = min(BLOCK_ROWS, m - i);
        packA<T>(rows, depth, at<T>(a, i * aRow + l * aCol), aRow, aCol, work);
        multiplyPacked<T>(rows, cols, depth, work, packedB, at<T>(c, i * ldc + j), ldc, alpha, scratch);
      }
    }
  }
}

/** C = keep * C + alpha * op(A) op(B) in float64, C m x n with leading dimension ldc; (i, l) of op(A) is at a + 8 (i aRow + l aCol). */
export function dgemm(
  m: i32, n: i32, k: i32, alpha: f64, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize,
  keep: i32, c: usize, ldc: usize, work: usize,
): void {
  gemm<f64>(m, n, k, alpha, a, aRow, aCol, b, bRow, bCol, keep, c, ldc, work);
}

/** The same in float32. */
export function sgemm(
  m: i32, n: i32, k: i32, alpha: f32, a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, bCol: usize,
  keep: i32, c: usize, ldc: usize, work: usize,
): void {
  gemm<f32>(m, n, k, alpha, a, aRow, aCol, b, bRow, bCol, keep, c, ldc, work);
}

/** Bytes of the work area of both products. */
export function workBytes(): i32 {
  return (BLOCK_ROWS * BLOCK_DEPTH + BLOCK_DEPTH * BLOCK_COLS) * 8 + STRIP * 32;
}

/**
 * y += what rows `from` .. `to` (`from` a multiple of 4) of the lower triangle of a symmetric A (leading dimension lda) contribute to A x:
 * every entry is loaded once and used for both its row and its column.
 */
export function dsymv(from: i32, to: i32, a: usize, lda: usize, x: usize, y: usize): void {
  const rowBytes = lda << 3;
  let i: i32 = from;
  for (; i + 4 <= to; i += 4) symvRows(i, a + <usize>i * rowBytes, rowBytes, x, y);
  for (; i < to; i++) {
    const row = a + <usize>i * rowBytes;
    const xi = load<f64>(at<f64>(x, i));
    let sum: f64 = 0;
    for (let j: i32 = 0; j < i; j++) {
      const entry = load<f64>(at<f64>(row, j));
      const to = at<f64>(y, j);
      sum += entry * load<f64>(at<f64>(x, j));
      store<f64>(to, load<f64>(to) + entry * xi);
    }
    const to = at<f64>(y, i);
    store<f64>(to, load<f64>(to) + sum + load<f64>(at<f64>(row, i)) * xi);
  }
}

/** Rows i .. i + 3 of `dsymv`, i a multiple of 4; `r0` is the address of row i. */
function symvRows(i: i32, r0: usize, rowBytes: usize, x: usize, y: usize): void {
  let r1 = r0 + rowBytes, r2 = r1 + rowBytes, r3 = r2 + rowBytes;
  const xi = at<f64>(x, i), yi = at<f64>(y, i);
  const x0 = v128.load64_splat(xi), x1 = v128.load64_splat(xi, 8), x2 = v128.load64_splat(xi, 16), x3 = v128.load64_splat(xi, 24);
  let d0 = f64x2.splat(0), d1 = d0, d2 = d0, d3 = d0;
  let xp = x, yp = y;
  for (let j: i32 = 0; j < i; j += 2) {
    const xv = v128.load(xp), a0 = v128.load(r0), a1 = v128.load(r1), a2 = v128.load(r2), a3 = v128.load(r3);
    v128.store(yp, madd64(a3, x3, madd64(a2, x2, madd64(a1, x1, madd64(a0, x0, v128.load(yp))))));
    d0 = madd64(a0, xv, d0); d1 = madd64(a1, xv, d1); d2 = madd64(a2, xv, d2); d3 = madd64(a3, xv, d3);
    r0 += 16; r1 += 16; r2 += 16; r3 += 16; xp += 16; yp += 16;
  }
  // The 4 x 4 block on the diagonal: the row addresses now point at column i.
  const X0 = load<f64>(xi), X1 = load<f64>(xi, 8), X2 = load<f64>(xi, 16), X3 = load<f64>(xi, 24);
  const a10 = load<f64>(r1), a20 = load<f64>(r2), a21 = load<f64>(r2, 8), a30 = load<f64>(r3), a31 = load<f64>(r3, 8), a32 = load<f64>(r3, 16);
  store<f64>(yi, load<f64>(yi) + lanes(d0) + load<f64>(r0) * X0 + a10 * X1 + a20 * X2 + a30 * X3);
  store<f64>(yi, load<f64>(yi, 8) + lanes(d1) + a10 * X0 + load<f64>(r1, 8) * X1 + a21 * X2 + a31 * X3, 8);
  store<f64>(yi, load<f64>(yi, 16) + lanes(d2) + a20 * X0 + a21 * X1 + load<f64>(r2, 16) * X2 + a32 * X3, 16);
  store<f64>(yi, load<f64>(yi, 24) + lanes(d3) + a30 * X0 + a31 * X1 + a32 * X2 + load<f64>(r3, 24) * X3, 24);
}

@inline
function lanes(v: v128): f64 {
  return f64x2.extract_lane(v, 0) + f64x2.extract_lane(v, 1);
}

/** x . y */
export function ddot(n: i32, x: usize, y: usize): f64 {
  let s = f64x2.splat(0), t = s;
  let i: i32 = 0;
  for (; i + 4 <= n; i += 4) {
    s = madd64(v128.load(x), v128.load(y), s);
    t = madd64(v128.load(x, 16), v128.load(y, 16), t);
    x += 32;
    y += 32;
  }
  let sum = lanes(f64x2.add(s, t));
  for (; i < n; i++) {
    sum += load<f64>(x) * load<f64>(y);
    x += 8;
    y += 8;
  }
  return sum;
}

/** y += alpha x */
export function daxpy(n: i32, alpha: f64, x: usize, y: usize): void {
  const s = f64x2.splat(alpha);
  let i: i32 = 0;
  for (; i + 2 <= n; i += 2) {
    v128.store(y, madd64(s, v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  if (i < n) store<f64>(y, load<f64>(y) + alpha * load<f64>(x));
}

/** (x, y) <- (c x + s y, c y - s x) */
export function drot(n: i32, x: usize, y: usize, c: f64, s: f64): void {
  const cv = f64x2.splat(c), sv = f64x2.splat(s);
  let i: i32 = 0;
  for (; i + 2 <= n; i += 2) {
    const p = v128.load(x), q = v128.load(y);
    v128.store(x, f64x2.add(f64x2.mul(cv, p), f64x2.mul(sv, q)));
    v128.store(y, f64x2.sub(f64x2.mul(cv, q), f64x2.mul(sv, p)));
    x += 16;
    y += 16;
  }
  if (i < n) {
    const p = load<f64>(x), q = load<f64>(y);
    store<f64>(x, c * p + s * q);
    store<f64>(y, c * q - s * p);
  }
}
