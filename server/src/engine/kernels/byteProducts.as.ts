/**
 * AssemblyScript source of the kernel for the products X^T X of vectors of bytes (build: npm run build:kernels). They are whole numbers, so the
 * sums are exact; one instruction multiplies eight pairs of 16-bit numbers and adds neighbours, so neighbours are two samples of one component.
 * Components that are zero in all samples of a block (most of an image's margin) are left out of it.
 */

/** Components of a panel, and pairs of samples in a block: a packed block stays in the second cache. */
const PANEL: i32 = 8;
const PAIRS: i32 = 64;
const PANEL_BYTES: usize = <usize>PAIRS * <usize>PANEL * 4;

/**
 * Writes the components with a number other than zero in a block of `samples` vectors [n, width], rising, and behind them the constant `width`.
 * Filled up to a whole panel with the places behind it, for sums that nobody reads. @returns panels
 */
function listActive(samples: i32, width: i32, from: usize, seen: usize, places: usize): i32 {
  const end = <usize>width;
  for (let at: usize = 0; at < end; at += 16) v128.store(seen + at, i64x2.splat(0));
  for (let sample = 0; sample < samples; sample++, from += <usize>width) {
    for (let at: usize = 0; at < end; at += 16) v128.store(seen + at, v128.or(v128.load(seen + at), v128.load(from + at)));
  }
  let count = 0;
  for (let component = 0; component < width; component++) {
    if (load<u8>(seen + <usize>component) == 0) continue;
    store<i32>(places + (<usize>count << 2), component);
    count++;
  }
  store<i32>(places + (<usize>count << 2), width);
  count++;
  for (let place = width + 1; count % PANEL != 0; place++, count++) store<i32>(places + (<usize>count << 2), place);
  return count / PANEL;
}

/** Two neighbouring samples of one component, `step` bytes apart, as two 16-bit numbers; a second that is absent is zero. */
@inline
function pairAt(from: usize, step: usize, two: bool): i32 {
  return <i32>load<u8>(from) | (two ? <i32>load<u8>(from + step) << 16 : 0);
}

/** Pairs of samples of the listed components: [panels, pairs, 8], the constant 1 at `width`, zero behind it. */
function packActive(samples: i32, width: i32, from: usize, panels: i32, places: usize, packed: usize): void {
  const pairs = (samples + 1) / 2;
  const step = <usize>width;
  for (let place = 0; place < panels * PANEL; place++) {
    const component = load<i32>(places + (<usize>place << 2));
    let to = packed + <usize>(place / PANEL) * PANEL_BYTES + (<usize>(place % PANEL) << 2);
    let at = from + <usize>component;
    for (let pair = 0; pair < pairs; pair++) {
      const two = 2 * pair + 1 < samples;
      store<i32>(to, component < width ? pairAt(at, step, two) : component > width ? 0 : two ? 0x10001 : 1);
      at += 2 * step;
      to += <usize>PANEL * 4;
    }
  }
}

/** Adds eight sums at the places of a panel; places that follow one another are added together. */
@inline
function addRow(row: usize, places: usize, together: bool, low: v128, high: v128): void {
  if (together) {
    const to = row + (<usize>load<i32>(places) << 2);
    v128.store(to, i32x4.add(v128.load(to), low));
    v128.store(to, i32x4.add(v128.load(to, 16), high), 16);
  } else {
    addOne(row, load<i32>(places), i32x4.extract_lane(low, 0));
    addOne(row, load<i32>(places, 4), i32x4.extract_lane(low, 1));
    addOne(row, load<i32>(places, 8), i32x4.extract_lane(low, 2));
    addOne(row, load<i32>(places, 12), i32x4.extract_lane(low, 3));
    addOne(row, load<i32>(places, 16), i32x4.extract_lane(high, 0));
    addOne(row, load<i32>(places, 20), i32x4.extract_lane(high, 1));
    addOne(row, load<i32>(places, 24), i32x4.extract_lane(high, 2));
    addOne(row, load<i32>(places, 28), i32x4.extract_lane(high, 3));
  }
}

@inline
function addOne(row: usize, place: i32, sum: i32): void {
  const to = row + (<usize>place << 2);
  store<i32>(to, load<i32>(to) + sum);
}

/** Adds the products of four components at `a` with eight at `b`. `rows`, `columns`: their places in `out`, whose rows are `stride` bytes apart. */
@inline
function addTile(pairs: i32, a: usize, b: usize, rows: usize, columns: usize, together: bool, out: usize, stride: usize): void {
  const none = i64x2.splat(0);
  let s00 = none, s01 = none, s10 = none, s11 = none, s20 = none, s21 = none, s30 = none, s31 = none;
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
  addRow(out + <usize>load<i32>(rows) * stride, columns, together, s00, s01);
  addRow(out + <usize>load<i32>(rows, 4) * stride, columns, together, s10, s11);
  addRow(out + <usize>load<i32>(rows, 8) * stride, columns, together, s20, s21);
  addRow(out + <usize>load<i32>(rows, 12) * stride, columns, together, s30, s31);
}

/**
 * Adds the products over the samples of the blocks `first` to `last` to out [width + 8, stride bytes], whose last rows and columns are the constant 1
 * and seven that nobody reads: the half from the diagonal on, and some of the other. At most 33,000 samples may be added up, or 32-bit sums overflow.
 * @param samples of all blocks @param vectors [samples, width], 16 bytes of anything behind them
 * @param scratch for one thread: flags [width + 16], places [width + 16], a packed block
 */
export function addProducts(samples: i32, width: i32, first: i32, last: i32, vectors: usize, scratch: usize, out: usize, stride: usize): void {
  const places = scratch + ((<usize>width + 31) & ~15);
  const packed = places + ((<usize>(width + PANEL + 1) * 4 + 15) & ~15);
  for (let block = first; block < last; block++) {
    const start = block * 2 * PAIRS;
    const count = min(2 * PAIRS, samples - start);
    const from = vectors + <usize>start * <usize>width;
    const panels = listActive(count, width, from, scratch, places);
    packActive(count, width, from, panels, places, packed);
    const pairs = (count + 1) / 2;
    for (let j = 0; j < panels; j++) {
      const columns = places + <usize>(j * PANEL) * 4;
      const together = load<i32>(columns, 28) - load<i32>(columns) == PANEL - 1;
      const b = packed + <usize>j * PANEL_BYTES;
      for (let i = 0; i <= j; i++) {
        const rows = places + <usize>(i * PANEL) * 4;
        const a = packed + <usize>i * PANEL_BYTES;
        addTile(pairs, a, b, rows, columns, together, out, stride);
        addTile(pairs, a + 16, b, rows + 16, columns, together, out, stride);
      }
    }
  }
}

/** Adds `count` 32-bit sums, a multiple of four, to those at `wide` in float64 and sets them to zero. */
export function moveSums(count: i32, sums: usize, wide: usize): void {
  const none = i64x2.splat(0);
  for (const end = sums + (<usize>count << 2); sums < end; sums += 16, wide += 32) {
    const found = v128.load(sums);
    v128.store(sums, none);
    v128.store(wide, f64x2.add(v128.load(wide), f64x2.convert_low_i32x4_s(found)));
    const high = i8x16.shuffle(found, found, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15);
    v128.store(wide, f64x2.add(v128.load(wide, 16), f64x2.convert_low_i32x4_s(high)), 16);
  }
}
