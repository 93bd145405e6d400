/** @file Byte-pair merging: the cheapest pair of neighbours first, the leftmost of equals, until no pair can be merged. */

export interface Merge {
  readonly merged: number;
  /** Smaller is merged earlier. */
  readonly order: number;
}

/** A pair that could be merged when it was found; it is stale once either side has changed. */
interface Candidate extends Merge {
  readonly left: number;
  readonly leftSymbol: number;
  readonly rightSymbol: number;
}

/**
 * O(n log n) in the number of symbols.
 * @param mergeOf what two neighbours become, or null when they stay apart
 */
export function mergePairs(symbols: readonly number[], mergeOf: (left: number, right: number) => Merge | null): number[] {
  const current = Int32Array.from(symbols);
  const gone = -1;
  // Neighbours that are still there; the length of `current` stands for none.
  const next = Int32Array.from(symbols, (_, i) => i + 1);
  const previous = Int32Array.from(symbols, (_, i) => i - 1);
  const queue: Candidate[] = [];
  const consider = (left: number): void => {
    const right = left < 0 ? current.length : next[left]!;
    if (right >= current.length) return;
    const merge = mergeOf(current[left]!, current[right]!);
    if (merge !== null) push(queue, { merged: merge.merged, order: merge.order, left, leftSymbol: current[left]!, rightSymbol: current[right]! });
  };
  for (let i = 0; i + 1 < current.length; i++) consider(i);
  for (let candidate = pop(queue); candidate !== null; candidate = pop(queue)) {
    const { left, merged } = candidate;
    const right = current[left] === gone ? current.length : next[left]!;
    if (right >= current.length || current[left] !== candidate.leftSymbol || current[right] !== candidate.rightSymbol) continue;
    current[left] = merged;
    current[right] = gone;
    next[left] = next[right]!;
    if (next[left]! < current.length) previous[next[left]!] = left;
    consider(previous[left]!);
    consider(left);
  }
  return [...current.filter((symbol) => symbol !== gone)];
}

const before = (a: Candidate, b: Candidate): boolean => a.order < b.order || (a.order === b.order && a.left < b.left);

/** Adds to a binary heap. */
function push(heap: Candidate[], added: Candidate): void {
  let at = heap.length;
  heap.push(added);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(added, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = added;
}

/** Removes the first of a binary heap. */
function pop(heap: Candidate[]): Candidate | null {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return null;
  if (heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return first;
}
