/** @file The only source of randomness of the core: seeded, so that every result can be made again. */

/** Uniform numbers in [0, 1), the same sequence for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The same for a list of whole numbers instead of one seed: neighbouring keys give unrelated sequences. What is drawn for one sample then
 * does not depend on how the samples are put into batches.
 */
export function keyedRandom(...keys: readonly number[]): () => number {
  return seededRandom(keys.reduce((state, key) => scrambled((Math.imul(state, 5) + 0xe6546b64) ^ scrambled(key)), 0));
}

/** A one-to-one mix of 32 bits in which every bit of the input moves about half of the output (the finaliser of MurmurHash3). */
function scrambled(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Shuffles `values` in place (Fisher-Yates). */
export function shuffle(values: Int32Array, random: () => number): void {
  for (let last = values.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const kept = values[last]!;
    values[last] = values[other]!;
    values[other] = kept;
  }
}
