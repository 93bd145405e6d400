/** @file Bit patterns of the small float types, widened to numbers exactly. */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
export function float16(bits: number): number {
  return smallFloat(bits >> 15, (bits >> 10) & 31, bits & 1023, 10, 15, true);
}

/** bfloat16: the upper half of a binary32. */
export function bfloat16(bits: number): number {
  scratchBits[0] = bits << 16;
  return scratchFloat[0]!;
}

/** float8 e4m3 ("fn": no infinities, one NaN per sign). */
export function float8e4m3(bits: number): number {
  return (bits & 127) === 127 ? NaN : smallFloat(bits >> 7, (bits >> 3) & 15, bits & 7, 3, 7, false);
}

/** float8 e5m2: binary16 without its lower byte. */
export function float8e5m2(bits: number): number {
  return float16(bits << 8);
}

/** float8 e4m3 with bias 8, no negative zero: that pattern is the only NaN. */
export function float8e4m3fnuz(bits: number): number {
  return bits === 128 ? NaN : smallFloat(bits >> 7, (bits >> 3) & 15, bits & 7, 3, 8, false);
}

/** float8 e5m2 with bias 16, no negative zero: that pattern is the only NaN. */
export function float8e5m2fnuz(bits: number): number {
  return bits === 128 ? NaN : smallFloat(bits >> 7, (bits >> 2) & 31, bits & 3, 2, 16, false);
}

/** float8 e8m0: a power of two, 2^(bits - 127); 255 is NaN. */
export function float8e8m0(bits: number): number {
  return bits === 255 ? NaN : 2 ** (bits - 127);
}

function smallFloat(sign: number, exponent: number, fraction: number, fractionBits: number, bias: number, hasInfinity: boolean): number {
  const scale = sign === 0 ? 1 : -1;
  if (exponent === 0) return scale * fraction * 2 ** (1 - bias - fractionBits);
  if (hasInfinity && exponent === 2 * bias + 1) return fraction === 0 ? scale * Infinity : NaN;
  return scale * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}
