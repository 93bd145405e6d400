/**
 * AssemblyScript source of the kernel for many small matrix products (build: npm run build:kernels): of few samples' positions in attention,
 * say. Nothing is packed and no call is made per product, which for a few hundred multiplications takes longer than they do.
 */

@inline
function sizeOf(single: bool): usize {
  return single ? 4 : 8;
}

@inline
function lanes(single: bool): i32 {
  return single ? 4 : 2;
}

@inline
function splat(single: bool, from: usize): v128 {
  return single ? v128.load32_splat(from) : v128.load64_splat(from);
}

@inline
function addProduct(single: bool, sum: v128, x: v128, y: v128): v128 {
  return single ? f32x4.add(sum, f32x4.mul(x, y)) : f64x2.add(sum, f64x2.mul(x, y));
}

/** Products of a row of A with columns `from` and later ones of B, whose rows are dense: four vectors of columns, then one, then single ones. */
@inline
function rowTimesDense(single: bool, n: i32, k: i32, a: usize, aCol: usize, b: usize, bRow: usize, c: usize): void {
  const width = lanes(single), size = sizeOf(single);
  let column: i32 = 0;
  for (; column + 4 * width <= n; column += 4 * width) {
    let s0 = i64x2.splat(0), s1 = i64x2.splat(0), s2 = i64x2.splat(0), s3 = i64x2.splat(0);
    let x = a, y = b + <usize>column * size;
    for (let l: i32 = 0; l < k; l++, x += aCol, y += bRow) {
      const factor = splat(single, x);
      s0 = addProduct(single, s0, factor, v128.load(y));
      s1 = addProduct(single, s1, factor, v128.load(y, 16));
      s2 = addProduct(single, s2, factor, v128.load(y, 32));
      s3 = addProduct(single, s3, factor, v128.load(y, 48));
    }
    const to = c + <usize>column * size;
    v128.store(to, s0);
    v128.store(to, s1, 16);
    v128.store(to, s2, 32);
    v128.store(to, s3, 48);
  }
  for (; column + width <= n; column += width) {
    let sum = i64x2.splat(0);
    let x = a, y = b + <usize>column * size;
    for (let l: i32 = 0; l < k; l++, x += aCol, y += bRow) sum = addProduct(single, sum, splat(single, x), v128.load(y));
    v128.store(c + <usize>column * size, sum);
  }
  for (; column < n; column++) {
    const to = c + <usize>column * size, y = b + <usize>column * size;
    if (single) store<f32>(to, <f32>dotSteps(single, k, a, aCol, y, bRow));
    else store<f64>(to, dotSteps(single, k, a, aCol, y, bRow));
  }
}

/** Sum of products of k numbers `xStep` and `yStep` bytes apart. */
@inline
function dotSteps(single: bool, k: i32, x: usize, xStep: usize, y: usize, yStep: usize): f64 {
  if (single) {
    let sum: f32 = 0;
    for (let l: i32 = 0; l < k; l++, x += xStep, y += yStep) sum += load<f32>(x) * load<f32>(y);
    return sum;
  }
  let sum: f64 = 0;
  for (let l: i32 = 0; l < k; l++, x += xStep, y += yStep) sum += load<f64>(x) * load<f64>(y);
  return sum;
}

/** The same of numbers that lie side by side. */
@inline
function dotDense(single: bool, k: i32, x: usize, y: usize): f64 {
  const width = lanes(single), size = sizeOf(single);
  let sums = i64x2.splat(0);
  let left = k;
  for (; left >= width; left -= width, x += 16, y += 16) sums = addProduct(single, sums, v128.load(x), v128.load(y));
  const rest = dotSteps(single, left, x, size, y, size);
  if (single) {
    return (f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1)) + (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3)) + <f32>rest;
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1) + rest;
}

/** C = A B for every item; C is dense. Rows, columns and items of A and B are so many entries apart. */
@inline
function multiply(
  single: bool, batch: i32, m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, aStep: i32, b: usize, bRow: i32, bCol: i32, bStep: i32, c: usize,
): void {
  const size = sizeOf(single);
  const columnOfA = <usize>aCol * size, rowOfB = <usize>bRow * size;
  for (let item: i32 = 0; item < batch; item++) {
    let x = a;
    for (let row: i32 = 0; row < m; row++, x += <usize>aRow * size) {
      if (bCol == 1) {
        rowTimesDense(single, n, k, x, columnOfA, b, rowOfB, c);
        c += <usize>n * size;
        continue;
      }
      let y = b;
      for (let column: i32 = 0; column < n; column++, y += <usize>bCol * size, c += size) {
        const dot = aCol == 1 && bRow == 1 ? dotDense(single, k, x, y) : dotSteps(single, k, x, columnOfA, y, rowOfB);
        if (single) store<f32>(c, <f32>dot);
        else store<f64>(c, dot);
      }
    }
    a += <usize>aStep * size;
    b += <usize>bStep * size;
  }
}

export function multiply32(
  batch: i32, m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, aStep: i32, b: usize, bRow: i32, bCol: i32, bStep: i32, c: usize,
): void {
  multiply(true, batch, m, n, k, a, aRow, aCol, aStep, b, bRow, bCol, bStep, c);
}

export function multiply64(
  batch: i32, m: i32, n: i32, k: i32, a: usize, aRow: i32, aCol: i32, aStep: i32, b: usize, bRow: i32, bCol: i32, bStep: i32, c: usize,
): void {
  multiply(false, batch, m, n, k, a, aRow, aCol, aStep, b, bRow, bCol, bStep, c);
}
