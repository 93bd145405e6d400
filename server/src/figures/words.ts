/** @file Numbers and counts as people read them. */

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

export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;
