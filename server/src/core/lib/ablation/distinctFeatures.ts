/**
 * @file Repeated activations of a batch. At the first node layer of a network on tokens there are only as many different activation vectors
 * as (token, position) pairs; what is the same for the same vector needs to be computed once.
 */

import type { Engine, FloatArray, Tensor } from "../../../engine/engine";

export interface DistinctFeatures {
  /** Features of the different vectors [r, U]. */
  readonly features: Tensor;
  /** Index of the vector of every sample and position, sample by sample [B S]. */
  readonly at: Int32Array;
  /** Those that occur at the last position, as columns of `features`. */
  readonly atLast: Int32Array;
  /** For every sample and position: (which of `atLast` the sample ends with) * U + the vector there, [B S]. */
  readonly pairs: Int32Array;
}

/** Repetition saves work from about this many occurrences per vector. */
const fewestRepeats = 8;

/**
 * @param x activations [B, S, d]
 * @param weights C [d, r]
 * @returns null when vectors do not repeat enough
 */
export async function distinctFeatures(engine: Engine, x: Tensor, weights: Tensor): Promise<DistinctFeatures | null> {
  const [samples, positions, width] = x.shape as [number, number, number];
  const found = distinctRows(await engine.read(x), width, (samples * positions) / fewestRepeats);
  if (!found) return null;
  const { first, at } = found;
  const features = engine.tidy(() => {
    const rows = engine.gather(engine.reshape(x, [samples * positions, width]), Int32Array.from(first));
    return engine.matMul(weights, rows, { transposeA: true, transposeB: true });
  });
  const places = new Map<number, number>();
  const pairs = new Int32Array(at.length);
  for (let sample = 0; sample < samples; sample += 1) {
    const last = at[(sample + 1) * positions - 1];
    if (!places.has(last)) places.set(last, places.size);
    const start = places.get(last)! * first.length;
    for (let place = sample * positions; place < (sample + 1) * positions; place += 1) pairs[place] = start + at[place];
  }
  return { features, at, atLast: Int32Array.from(places.keys()), pairs };
}

/** First occurrences of the different rows and, for every row, which of them it equals; null above `limit` different rows. */
function distinctRows(values: FloatArray, width: number, limit: number): { first: number[]; at: Int32Array } | null {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  const wordsPerRow = words.length / (values.length / width);
  const at = new Int32Array(values.length / width);
  const first: number[] = [];
  const byHash = new Map<number, number[]>();
  for (let row = 0; row < at.length; row += 1) {
    let hash = 0;
    for (let word = row * wordsPerRow; word < (row + 1) * wordsPerRow; word += 1) hash = Math.imul(hash ^ words[word], 0x9e3779b1) ^ (hash >>> 15);
    const candidates = byHash.get(hash) ?? [];
    let index = candidates.find((candidate) => sameRow(words, wordsPerRow, first[candidate], row));
    if (index === undefined) {
      if (first.length + 1 > limit) return null;
      index = first.length;
      first.push(row);
      byHash.set(hash, [...candidates, index]);
    }
    at[row] = index;
  }
  return { first, at };
}

function sameRow(words: Uint32Array, length: number, a: number, b: number): boolean {
  for (let word = 0; word < length; word += 1) if (words[a * length + word] !== words[b * length + word]) return false;
  return true;
}
