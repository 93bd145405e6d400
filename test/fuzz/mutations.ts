/** @file Seeded damage to the bytes of a file. */

import { seededRandom } from "../../server/src/core/random";

/** Integers in [0, n), the same in every run. */
export function seededIntegers(seed: number): (n: number) => number {
  const next = seededRandom(seed);
  return (n) => (next() * 2 ** 32) % n;
}

const lengths = [0n, 1n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0xfffffffbn, 2n ** 33n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 5n];

type Mutation = (bytes: Uint8Array, random: (n: number) => number, other: Uint8Array) => Uint8Array;

const flipBits: Mutation = (bytes, random) => {
  const out = bytes.slice();
  for (let i = random(8); i >= 0 && out.length > 0; i--) out[random(out.length)]! ^= 1 << random(8);
  return out;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random(bytes.length + 1));

/** Overwrites 1, 2, 4 or 8 bytes by a length that is too large, or just different. */
const inflateLength: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const width = [1, 2, 4, 8][random(4)]!;
  if (out.length < width) return out;
  const at = random(out.length - width + 1);
  let value = lengths[random(lengths.length)]!;
  const bigEndian = random(4) === 0;
  for (let i = 0; i < width; i++, value >>= 8n) out[bigEndian ? at + width - 1 - i : at + i] = Number(value & 0xffn);
  return out;
};

/** Puts a piece of this or another file somewhere, over or between the bytes there. */
const splice: Mutation = (bytes, random, other) => {
  const from = random(2) === 0 ? bytes : other;
  const start = random(from.length + 1);
  const piece = from.slice(start, start + random(256));
  const at = random(bytes.length + 1);
  const replaced = random(2) === 0 ? piece.length : random(64);
  return Uint8Array.from([...bytes.slice(0, at), ...piece, ...bytes.slice(at + replaced)]);
};

const mutations = [flipBits, truncate, inflateLength, splice];

/** One to three kinds of damage. */
export function mutate(bytes: Uint8Array, random: (n: number) => number, other: Uint8Array): Uint8Array {
  let out = bytes;
  for (let i = random(3); i >= 0; i--) out = mutations[random(mutations.length)]!(out, random, other);
  return out;
}
