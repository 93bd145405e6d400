/**
 * AssemblyScript source of the kernel for the products X^T X of vectors of bytes (build: npm run build:kernels). They are whole numbers, so the
 * sums are exact; one instruction multiplies eight pairs of 16-bit numbers and adds neighbours, so neighbours are two samples of one component.
 */

/** Components of a panel, pairs of samples in a block, and the bytes of a panel's block: a block of all panels stays in the second cache. */
const PANEL: i32 = 8;
const PAIRS: i32 = 256;
const PANEL_BYTES: usize = <usize>PAIRS * <usize>PANEL * 4;

@inline
function panelsOf(width: i32): i32 {
  return (width + PANEL - 1) / PANEL;
}

/**
 * One block: up to 512 samples [n, width] -> for every panel 256 pairs of samples of its 8 components, as 16-bit numbers. Absent samples are zero.
 * Components after the last are whatever follows in memory. `flags` [panels]: whether the panel has a number other than zero.
 */
export function pack(samples: i32, width: i32, from: usize, block: usize, flags: usize): void {
  const none = i64x2.splat(0);
  for (let panel = 0; panel < panelsOf(width); panel++) {
    let at = from + <usize>(panel * PANEL);
    let to = block + <usize>panel * PANEL_BYTES;
    let seen = none;
    for (let sample = 0; sample < 2 * PAIRS; sample += 2) {
      const first = sample < samples ? v128.load8x8_u(at) : none;
      const second = sample + 1 < samples ? v128.load8x8_u(at + <usize>width) : none;
      seen = v128.or(seen, v128.or(first, second));
      v128.store(to, i16x8.shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(to, i16x8.shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15), 16);
      at += 2 * <usize>width;
      to += 32;
    }
    store<u8>(flags + <usize>panel, v128.any_true(seen) ? 1 : 0);
  }
}

/** Adds to four rows of eight sums at `out` (`stride` bytes apart) the products of four components at `a` with eight at `b`. */
@inline
function addTile(pairs: i32, a: usize, b: usize, out: usize, stride: usize): void {
  const row1 = out + stride, row2 = row1 + stride, row3 = row2 + stride;
  let s00 = v128.load(out), s01 = v128.load(out, 16), s10 = v128.load(row1), s11 = v128.load(row1, 16);
  let s20 = v128.load(row2), s21 = v128.load(row2, 16), s30 = v128.load(row3), s31 = v128.load(row3, 16);
  for (let pair = 0; pair < pairs; pair++, a += 32, b += 32) {
    const b0 = v128.load(b), b1 = v128.load(b, 16);
    let own = v128.load32_splat(a);
    s00 = i32x4.add(s00, i32x4.dot_i16x8_s(own, b0));
    s01 = i32x4.add(s01, i32x4.dot_i16x8_s(own, b1));
    own = v128.load32_splat(a, 4);
    s10 = i32x4.add(s10, i32x4.dot_i16x8_s(own, b0));
    s11 = i32x4.add(s11, i32x4.dot_i16x8_s(own, b1));
    own = v128.load32_splat(a, 8);
    s20 = i32x4.add(s20, i32x4.dot_i16x8_s(own, b0));
    s21 = i32x4.add(s21, i32x4.dot_i16x8_s(own, b1));
    own = v128.load32_splat(a, 12);
    s30 = i32x4.add(s30, i32x4.dot_i16x8_s(own, b0));
    s31 = i32x4.add(s31, i32x4.dot_i16x8_s(own, b1));
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(row1, s10);
  v128.store(row1, s11, 16);
  v128.store(row2, s20);
  v128.store(row2, s21, 16);
  v128.store(row3, s30);
  v128.store(row3, s31, 16);
}

/**
 * Sums over `samples` in packed blocks: rows of the panels `first` to `last` of out [8 panels, 8 panels], from each row's own panel on.
 * At most 33,000 samples, or 32-bit sums overflow.
 * @param flags [blocks, panels]
 */
export function multiply(samples: i32, width: i32, first: i32, last: i32, blocks: usize, flags: usize, out: usize): void {
  const panels = panelsOf(width);
  const stride = <usize>panels * <usize>PANEL * 4;
  memory.fill(out + <usize>(first * PANEL) * stride, 0, <usize>((last - first) * PANEL) * stride);
  for (let left = samples; left > 0; left -= 2 * PAIRS) {
    const pairs = min(PAIRS, (left + 1) / 2);
    for (let i = first; i < last; i++) {
      if (load<u8>(flags + <usize>i) == 0) continue;
      const a = blocks + <usize>i * PANEL_BYTES;
      const row = out + <usize>(i * PANEL) * stride;
      for (let j = i; j < panels; j++) {
        if (load<u8>(flags + <usize>j) == 0) continue;
        const b = blocks + <usize>j * PANEL_BYTES;
        const to = row + <usize>(j * PANEL) * 4;
        addTile(pairs, a, b, to, stride);
        addTile(pairs, a + 16, b, to + 4 * stride, stride);
      }
    }
    blocks += <usize>panels * PANEL_BYTES;
    flags += <usize>panels;
  }
}
