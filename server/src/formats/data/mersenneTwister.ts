/** @file MT19937 (Matsumoto and Nishimura 1998), the generator behind `torch.manual_seed`, and what PyTorch derives from it. */

const stateSize = 624;
const shiftSize = 397;

export class MersenneTwister {
  private readonly state = new Uint32Array(stateSize);
  private next = stateSize;

  /** @param seed its lower 32 bits count, as for torch's generator on the CPU */
  constructor(seed: number) {
    this.state[0] = seed >>> 0;
    for (let i = 1; i < stateSize; i++) {
      const previous = this.state[i - 1]! ^ (this.state[i - 1]! >>> 30);
      this.state[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** A random integer in [0, 2^32). */
  uint32(): number {
    if (this.next === stateSize) this.refill();
    let y = this.state[this.next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A float32 in [0, 1) with 24 random bits, as `torch.rand` draws it. */
  uniform(): number {
    return (this.uint32() & 0xffffff) * 2 ** -24;
  }

  private refill(): void {
    const s = this.state;
    for (let i = 0; i < stateSize; i++) {
      const y = (s[i]! & 0x80000000) | (s[(i + 1) % stateSize]! & 0x7fffffff);
      s[i] = s[(i + shiftSize) % stateSize]! ^ (y >>> 1) ^ ((y & 1) === 0 ? 0 : 0x9908b0df);
    }
    this.next = 0;
  }
}

/** `torch.randperm(n)` after `torch.manual_seed(seed)` (method section 1.7). */
export function randomPermutation(n: number, seed: number): Int32Array {
  const generator = new MersenneTwister(seed);
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n - 1; i++) {
    const other = i + generator.uint32() % (n - i);
    const kept = order[i]!;
    order[i] = order[other]!;
    order[other] = kept;
  }
  return order;
}

/**
 * `torch.randn(n)` (float32) after `torch.manual_seed(seed)`, to the rounding of its logarithm and sine: uniform numbers are turned
 * into normal ones in groups of 16 by the Box-Muller transform; a last group that is not full is drawn anew.
 * Below 16 numbers torch draws differently; then these are the first of 16.
 */
export function randomNormal(n: number, seed: number): Float32Array {
  const generator = new MersenneTwister(seed);
  const values = new Float32Array(Math.max(n, 16));
  for (let i = 0; i < values.length; i++) values[i] = generator.uniform();
  const full = values.length - values.length % 16;
  for (let start = 0; start < full; start += 16) boxMuller16(values, start);
  if (full < values.length) {
    const start = values.length - 16;
    for (let i = start; i < values.length; i++) values[i] = generator.uniform();
    boxMuller16(values, start);
  }
  return values.subarray(0, n);
}

function boxMuller16(values: Float32Array, start: number): void {
  for (let j = start; j < start + 8; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[j]!));
    const angle = 2 * Math.PI * values[j + 8]!;
    values[j] = radius * Math.cos(angle);
    values[j + 8] = radius * Math.sin(angle);
  }
}
