/** What kernels share that add up tiles, rows of 128 bytes of float32 or (not `single`) float64. */

/** Bytes of a tile, and their binary logarithm. */
export const TILE: usize = 128;
export const TILE_BITS: usize = 7;

@inline
export function sizeOf(single: bool): usize {
  return single ? 4 : 8;
}

@inline
export function add(single: bool, x: v128, y: v128): v128 {
  return single ? f32x4.add(x, y) : f64x2.add(x, y);
}

/** Adds a tile to that at `from`, into that at `to`. Without a loop, which would take as long as the additions. */
@inline
export function addRow(single: bool, row: usize, from: usize, to: usize): void {
  v128.store(to, add(single, v128.load(from), v128.load(row)));
  v128.store(to, add(single, v128.load(from, 16), v128.load(row, 16)), 16);
  v128.store(to, add(single, v128.load(from, 32), v128.load(row, 32)), 32);
  v128.store(to, add(single, v128.load(from, 48), v128.load(row, 48)), 48);
  v128.store(to, add(single, v128.load(from, 64), v128.load(row, 64)), 64);
  v128.store(to, add(single, v128.load(from, 80), v128.load(row, 80)), 80);
  v128.store(to, add(single, v128.load(from, 96), v128.load(row, 96)), 96);
  v128.store(to, add(single, v128.load(from, 112), v128.load(row, 112)), 112);
}
