/** @file Axes: where numbers are on paper, and which of them are written out. */

export interface Scale {
  /** Position of a value in pixels. */
  at(value: number): number;
  ticks: number[];
}

export interface Domain { low: number; high: number }

/** @param room pixels between two ticks at least. */
export function linear({ low, high }: Domain, from: number, to: number, room = 44): Scale {
  const span = high > low ? high - low : 1;
  const step = niceStep(span / Math.max(1, Math.floor(Math.abs(to - from) / room)));
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) ticks.push(k === 0 ? 0 : Number((k * step).toPrecision(12)));
  return { at: (value) => from + ((value - low) / span) * (to - from), ticks };
}

/** Both ends must be positive; values below are drawn at the lower end. */
export function logarithmic({ low, high }: Domain, from: number, to: number, room = 26): Scale {
  const bottom = Math.log10(low);
  const span = Math.max(1e-9, Math.log10(high) - bottom);
  const decades = Math.max(1, Math.ceil(span / Math.max(1, Math.floor(Math.abs(to - from) / room))));
  const ticks: number[] = [];
  for (let power = Math.ceil(bottom - 1e-9); power <= Math.log10(high) + 1e-9; power++) if (power % decades === 0) ticks.push(10 ** power);
  return { at: (value) => from + ((Math.log10(Math.max(low, value)) - bottom) / span) * (to - from), ticks };
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
function niceStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const share = step / power;
  return power * (share <= 1 + 1e-9 ? 1 : share <= 2 + 1e-9 ? 2 : share <= 5 + 1e-9 ? 5 : 10);
}
