/**
 * AssemblyScript source of the kernel for products of rows of bytes with a matrix (build: npm run build:kernels). Only bytes that are not zero are
 * multiplied: images with a dark ground, most of whose bytes are zero, take a fraction of the operations of a product of all.
 */

/** Columns of a panel of the matrix, in bytes of float32: their sums stay in registers. */
const PANEL: usize = 64;
const PANEL_BITS: usize = 6;

/** Rows that are listed, then multiplied, panel by panel: a panel stays near the processor for all of them. */
const BLOCK: i32 = 16;

@inline
function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(c, f32x4.mul(a, b));
}

/** Bytes of the list of a row: for each byte that is not zero, where its row of a panel lies and what the byte stands for, 4 bytes each; their count first. */
@inline
function listBytes(width: i32): usize {
  return <usize>(width + 1) << 3;
}

export function workBytes(width: i32): i32 {
  return <i32>(listBytes(width) * <usize>BLOCK + PANEL);
}

/** May read up to 15 bytes beyond the row. @param meaning float32 [256] */
@inline
function list(width: i32, from: usize, meaning: usize, to: usize): void {
  const first = to;
  for (let start: i32 = 0; start < width; start += 16) {
    let open = ~i8x16.bitmask(i8x16.eq(v128.load(from + <usize>start), i64x2.splat(0))) & 0xffff;
    if (width - start < 16) open &= (1 << (width - start)) - 1;
    for (; open != 0; open &= open - 1) {
      const place = <usize>(start + ctz(open));
      to += 8;
      store<u32>(to, <u32>(place << PANEL_BITS));
      store<f32>(to, load<f32>(meaning + (<usize>load<u8>(from + place) << 2)), 4);
    }
  }
  store<u32>(first, <u32>((to - first) >> 3));
}

/** Base + sum of the listed rows of a panel, times what their bytes stand for, to 64 bytes. */
@inline
function addRows(listed: usize, panel: usize, base: usize, to: usize): void {
  const none = i64x2.splat(0);
  let s0 = v128.load(base), s1 = v128.load(base, 16), s2 = v128.load(base, 32), s3 = v128.load(base, 48);
  // Sums of every other row: an addition would wait for the one before.
  let t0 = none, t1 = none, t2 = none, t3 = none;
  let count = load<u32>(listed);
  for (listed += 8; count > 1; count -= 2, listed += 16) {
    const even = panel + <usize>load<u32>(listed), evenFactor = v128.load32_splat(listed, 4);
    const odd = panel + <usize>load<u32>(listed, 8), oddFactor = v128.load32_splat(listed, 12);
    s0 = multiplyAdd(evenFactor, v128.load(even), s0);
    s1 = multiplyAdd(evenFactor, v128.load(even, 16), s1);
    s2 = multiplyAdd(evenFactor, v128.load(even, 32), s2);
    s3 = multiplyAdd(evenFactor, v128.load(even, 48), s3);
    t0 = multiplyAdd(oddFactor, v128.load(odd), t0);
    t1 = multiplyAdd(oddFactor, v128.load(odd, 16), t1);
    t2 = multiplyAdd(oddFactor, v128.load(odd, 32), t2);
    t3 = multiplyAdd(oddFactor, v128.load(odd, 48), t3);
  }
  if (count > 0) {
    const last = panel + <usize>load<u32>(listed), factor = v128.load32_splat(listed, 4);
    s0 = multiplyAdd(factor, v128.load(last), s0);
    s1 = multiplyAdd(factor, v128.load(last, 16), s1);
    s2 = multiplyAdd(factor, v128.load(last, 32), s2);
    s3 = multiplyAdd(factor, v128.load(last, 48), s3);
  }
  v128.store(to, f32x4.add(s0, t0));
  v128.store(to, f32x4.add(s1, t1), 16);
  v128.store(to, f32x4.add(s2, t2), 32);
  v128.store(to, f32x4.add(s3, t3), 48);
}

/**
 * Rows `first` to `last` of out [n, columns] = base + sum over the bytes of a row that are not zero of what they stand for times their row of the matrix.
 * @param panels the matrix in panels of 16 columns, [panels, width, 16], and behind it `base` in panels [panels, 16] @param work room for `workBytes`
 */
export function multiplyRows(first: i32, last: i32, width: i32, columns: i32, bytes: usize, meaning: usize, panels: usize, base: usize, work: usize, out: usize): void {
  const row = <usize>columns << 2, panelBytes = <usize>width << PANEL_BITS, room = listBytes(width);
  const spare = work + room * <usize>BLOCK;
  for (let start = first; start < last; start += BLOCK) {
    const count = min(BLOCK, last - start);
    for (let i: i32 = 0; i < count; i++) list(width, bytes + <usize>(start + i) * <usize>width, meaning, work + <usize>i * room);
    for (let column: usize = 0, panel = panels; column < row; column += PANEL, panel += panelBytes) {
      for (let i: i32 = 0; i < count; i++) {
        const to = out + <usize>(start + i) * row + column, listed = work + <usize>i * room;
        if (row - column >= PANEL) addRows(listed, panel, base + column, to);
        else {
          addRows(listed, panel, base + column, spare);
          memory.copy(to, spare, row - column);
        }
      }
    }
  }
}
