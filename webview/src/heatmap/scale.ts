/** @file From a value to a place on the colour scale, and numbers that describe how a matrix is spread. */

import { tableSize } from "./colour";

export type ScaleKind = "linear" | "symlog";

/** Symmetric logarithm: linear below a thousandth of the limit. */
const symlogStrength = 1000;

/** -1…1 for a value; beyond the limit it stays at the end. */
export function scaled(value: number, limit: number, kind: ScaleKind): number {
  const share = Math.max(-1, Math.min(1, value / limit));
  return kind === "linear" ? share : Math.sign(share) * Math.log1p(Math.abs(share) * symlogStrength) / Math.log1p(symlogStrength);
}

/** Steps of the intermediate table; a change of scale rebuilds it and touches no data. */
const steps = 2048;

/** Pixels for values in -limit…limit, at 2 · steps + 1 places. */
export function pixelTable(colours: Uint32Array, limit: number, kind: ScaleKind): Uint32Array {
  const half = (tableSize - 1) / 2;
  return Uint32Array.from({ length: 2 * steps + 1 }, (_, at) => colours[Math.round(half + half * scaled((at - steps) / steps * limit, limit, kind))]!);
}

export const tableIndex = (value: number, limit: number): number => {
  const at = Math.round((value / limit) * steps) + steps;
  return at < 0 ? 0 : at > 2 * steps ? 2 * steps : at;
};

export interface Spread {
  largest: number;
  /** Size that all but one in 200 of the non-zero values stay below: a first limit that one outlier does not spoil. */
  typical: number;
  /** Smallest number of cells that hold nine tenths of the sum of |J|. */
  cellsForMost: number;
  notFinite: number;
}

export function spread(values: Float32Array): Spread {
  const sizes = Float32Array.from(values, (value) => (Number.isFinite(value) ? Math.abs(value) : 0)).sort();
  let notFinite = 0;
  for (const value of values) if (!Number.isFinite(value)) notFinite++;
  let total = 0;
  let zeros = 0;
  for (const size of sizes) { total += size; if (size === 0) zeros++; }
  let held = 0;
  let cells = 0;
  while (cells < sizes.length && held < 0.9 * total) held += sizes[sizes.length - 1 - cells++]!;
  const nonZero = sizes.length - zeros;
  return {
    largest: sizes.at(-1) ?? 0,
    typical: nonZero === 0 ? 0 : sizes[zeros + Math.min(nonZero - 1, Math.floor(nonZero * 0.995))]!,
    cellsForMost: cells,
    notFinite,
  };
}
