/** @file Numbers and counts as text. */

/** Three significant digits, plain where that is short, with an exponent where it is not. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? exponent(size) : size >= 1000 ? Math.round(size).toLocaleString("en").replaceAll(",", "\u202f") : trim(size.toPrecision(3));
  return value < 0 ? `−${text}` : text;
}

function exponent(size: number): string {
  const [digits, power] = size.toExponential(2).split("e") as [string, string];
  return `${trim(digits)}e${power.replace("+", "").replace("-", "−")}`;
}

const trim = (digits: string): string => (digits.includes(".") ? digits.replace(/\.?0+$/, "") : digits);

/** 12 345 with narrow spaces. */
export const count = (value: number): string => Math.round(value).toLocaleString("en").replaceAll(",", "\u202f");

/** "99.6 %", "0.04 %", "<0.01 %". */
export function percent(share: number): string {
  const value = share * 100;
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size > 0 && size < 0.01) return "<0.01\u202f%";
  // 99.955 must not read as 100: close to all, one digit more.
  return `${value < 0 ? "−" : ""}${trim(size.toPrecision(size > 99 && size < 100 ? 4 : 3))}\u202f%`;
}

/** "12.3 s", "4 min 5 s". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)}\u202fs`;
  return `${Math.floor(seconds / 60)}\u202fmin ${Math.round(seconds % 60)}\u202fs`;
}

export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;

/** The last part of a path. */
export const baseName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

/** A number typed by a person: comma or point, any exponent, a trailing "%" divides by 100. Null when it is not one. */
export function parseNumber(text: string): number | null {
  const match = /^\s*([+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:e[+-]?\d+)?)\s*(%?)\s*$/i.exec(text.replace("−", "-"));
  if (match === null) return null;
  const value = Number(match[1]!.replace(",", "."));
  return Number.isFinite(value) ? (match[2] === "%" ? value / 100 : value) : null;
}
