/** @file Numbers, counts and names as text. */

export { count, number, percent, plural } from "../../../server/src/figures/words";

/** "12.3 s", "4 min 5 s". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}\u202fs`;
  return `${Math.floor(seconds / 60)}\u202fmin ${Math.round(seconds % 60)}\u202fs`;
}

/** The last part of a path. */
export const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** A number typed by a person: comma or point, any exponent, a trailing "%" divides by 100. Null when it is not one. */
export function parseNumber(text: string): number | null {
  const match = /^\s*([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?)\s*(%?)\s*$/i.exec(text.replace("−", "-"));
  if (match === null) return null;
  const value = Number(match[1]!.replace(",", "."));
  return Number.isFinite(value) ? (match[2] === "%" ? value / 100 : value) : null;
}
