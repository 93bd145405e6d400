/** @file How far two partitions of the same things agree. */

/**
 * Adjusted Rand index (Hubert and Arabie 1985): 1 for the same partition, about 0 for independent ones, negative below chance.
 * @throws RangeError for partitions of different length
 */
export function adjustedRandIndex(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`Partitions of ${a.length} and ${b.length} things cannot be compared.`);
  const together = new Map<string, number>();
  const [inA, inB] = [new Map<number, number>(), new Map<number, number>()];
  for (let at = 0; at < a.length; at += 1) {
    together.set(`${a[at]} ${b[at]}`, (together.get(`${a[at]} ${b[at]}`) ?? 0) + 1);
    inA.set(a[at]!, (inA.get(a[at]!) ?? 0) + 1);
    inB.set(b[at]!, (inB.get(b[at]!) ?? 0) + 1);
  }
  const [index, pairsA, pairsB] = [pairsIn(together.values()), pairsIn(inA.values()), pairsIn(inB.values())];
  const expected = a.length > 1 ? (pairsA * pairsB) / ((a.length * (a.length - 1)) / 2) : 0;
  const largest = (pairsA + pairsB) / 2;
  // Everything together, or everything apart, in both.
  return largest === expected ? 1 : (index - expected) / (largest - expected);
}

function pairsIn(sizes: Iterable<number>): number {
  let pairs = 0;
  for (const size of sizes) pairs += (size * (size - 1)) / 2;
  return pairs;
}
