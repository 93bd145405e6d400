/** @file The part of a matrix that is shown, in shares of its sides: panes of different sizes stay linked. */

export interface Viewport { x: number; y: number; width: number; height: number }

export const whole: Viewport = { x: 0, y: 0, width: 1, height: 1 };

/** Cells along a side at the closest zoom. */
const fewest = 6;

/**
 * @param factor below 1 zooms in.
 * @param atX and `atY`: the point that stays where it is, as shares of the pane.
 * @param rows and `cols`: of the matrix that limits the zoom.
 */
export function zoom(view: Viewport, factor: number, atX: number, atY: number, rows: number, cols: number): Viewport {
  const width = clamp(view.width * factor, Math.min(1, fewest / Math.max(1, cols)), 1);
  const height = clamp(view.height * factor, Math.min(1, fewest / Math.max(1, rows)), 1);
  return inside({ x: view.x + atX * (view.width - width), y: view.y + atY * (view.height - height), width, height });
}

export const pan = (view: Viewport, dx: number, dy: number): Viewport => inside({ ...view, x: view.x + dx, y: view.y + dy });

/** Moves the view as little as needed so that a cell is in it. */
export function reveal(view: Viewport, row: number, col: number, rows: number, cols: number): Viewport {
  const along = (start: number, length: number, low: number, high: number): number => (low < start ? low : high > start + length ? high - length : start);
  return inside({ ...view, x: along(view.x, view.width, col / cols, (col + 1) / cols), y: along(view.y, view.height, row / rows, (row + 1) / rows) });
}

const inside = (view: Viewport): Viewport => ({ ...view, x: clamp(view.x, 0, 1 - view.width), y: clamp(view.y, 0, 1 - view.height) });
const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
