/** @file Numbers and texts as pickles write them. Each function returns null for text that Python would not write. */

/** Two's complement, little-endian; a bigint past 2^53. */
export function twosComplement(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0;
  let hex = "";
  for (let i = bytes.length - 1; i >= 0; i--) hex += bytes[i]!.toString(16).padStart(2, "0");
  return narrow(BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`)));
}

/** Decimal digits with an optional sign and the "L" of Python 2. Longer ones than Python itself parses are refused. */
export function decimalInteger(text: string): number | bigint | null {
  const digits = text.replace(/L$/, "");
  return /^-?\d{1,4300}$/.test(digits) ? narrow(BigInt(digits)) : null;
}

/** `repr` of a float, with inf and nan. */
export function decimalFloat(text: string): number | null {
  if (/^[+-]?inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^[+-]?nan$/.test(text)) return NaN;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : null;
}

const simpleEscapes: ReadonlyMap<string, string> = new Map([["n", "\n"], ["r", "\r"], ["t", "\t"], ["\\", "\\"], ["'", "'"], ["\"", "\""], ["0", "\0"]]);

/** A quoted string of protocol 0. */
export function quotedString(text: string): string | null {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== "\"") || !text.endsWith(quote)) return null;
  return text.slice(1, -1).replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (whole, hex: string | undefined, simple: string) =>
    hex !== undefined ? String.fromCharCode(parseInt(hex, 16)) : simpleEscapes.get(simple) ?? whole);
}

/** Text of the raw-unicode-escape codec (protocol 0). */
export function rawUnicodeEscape(text: string): string {
  return text.replace(/\\U([0-9a-fA-F]{8})|\\u([0-9a-fA-F]{4})/g, (whole, long: string | undefined, short: string) => {
    const code = parseInt(long ?? short, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
