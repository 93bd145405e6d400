/** @file Where numbers lie on an axis, and which of them are written beside it. */

import { count } from "./words";

export interface Scale {
  at(value: number): number;
  readonly ticks: readonly { value: number; text: string }[];
}

export interface Axis {
  readonly label: string;
  readonly kind: "linear" | "log";
  /** Of a logarithmic axis both ends are positive; values below are drawn at the lower end. */
  readonly domain: readonly [number, number];
  /** Counts and positions: no fraction is written beside the axis. */
  readonly whole?: boolean;
  /** How a number is written, where not as it is. */
  text?(value: number): string;
}

/** @param range pixels of the two ends of the domain */
export function scaleOf({ kind, domain, whole = false, text = tickText }: Axis, range: readonly [number, number], ticks = 5): Scale {
  const place = (value: number): number => (kind === "log" ? Math.log10(Math.max(domain[0], value)) : value);
  const [low, high] = [place(domain[0]), place(domain[1])];
  const width = high - low || 1;
  const at = (value: number): number => range[0] + ((place(value) - low) / width) * (range[1] - range[0]);
  const values = kind === "log" ? logTicks(domain, ticks) : linearTicks(domain, ticks);
  return { at, ticks: values.filter((value) => !whole || Number.isInteger(value)).map((value) => ({ value, text: text(value) })) };
}

/** Multiples of 1, 2 or 5 times a power of ten, about `wanted` of them. */
function linearTicks([low, high]: readonly [number, number], wanted: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= 0.8 * rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** Powers of ten; between few of them also their doubles and fivefolds. */
function logTicks([low, high]: readonly [number, number], wanted: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil((last - first + 1) / wanted));
  const all: number[] = [];
  for (let power = first; power <= last; power += 1) if (factors.length > 1 || (power - first) % stride === 0) all.push(...factors.map((factor) => Number(`${factor}e${power}`)));
  return all.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
}

/** As people write it: 0.05, 2 000, 1e−7. */
function tickText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential().replace("e+", "e").replaceAll("-", "−");
  const text = Number.isInteger(value) ? count(size) : String(Number(size.toFixed(4)));
  return value < 0 ? `−${text}` : text;
}
