/** @file Where numbers lie on an axis, and which of them are written beside it. */

export interface Scale {
  at(value: number): number;
  readonly ticks: readonly { value: number; text: string }[];
}

export interface Axis {
  readonly label: string;
  readonly kind: "linear" | "log";
  readonly domain: readonly [number, number];
  /** Counts and positions: no fraction is written beside the axis. */
  readonly whole?: boolean;
}

/** @param range pixels of the two ends of the domain */
export function scaleOf({ kind, domain, whole = false }: Axis, range: readonly [number, number], ticks = 5): Scale {
  const [low, high] = kind === "log" ? [Math.log10(domain[0]), Math.log10(domain[1])] : domain;
  const width = high - low || 1;
  const at = (value: number): number => range[0] + (((kind === "log" ? Math.log10(value) : value) - low) / width) * (range[1] - range[0]);
  const values = kind === "log" ? logTicks(domain, ticks) : linearTicks(domain, ticks);
  return { at, ticks: values.filter((value) => !whole || Number.isInteger(value)).map((value) => ({ value, text: tickText(value) })) };
}

/** Multiples of 1, 2 or 5 times a power of ten, about `count` of them. */
function linearTicks([low, high]: readonly [number, number], count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= 0.8 * rough) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** Powers of ten; between few of them also their doubles and fivefolds. */
function logTicks([low, high]: readonly [number, number], count: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const factors = last - first <= 2 ? [1, 2, 5] : [1];
  const stride = Math.max(1, Math.ceil((last - first + 1) / count));
  const all: number[] = [];
  for (let power = first; power <= last; power += 1) if (factors.length > 1 || (power - first) % stride === 0) all.push(...factors.map((factor) => factor * 10 ** power));
  return all.filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
}

/** As people write it: 0.05, 2,000, 1e-7. */
function tickText(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential().replace("e+", "e");
  return value.toLocaleString("en", { maximumFractionDigits: 4 });
}
