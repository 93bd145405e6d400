/** @file How sparse the edges of one section are (method section 4.4). */

import type { Matrix } from "../../linalg/matrix";

export interface EdgeSparsity {
  /** n: edges that could be, from and to every direction of the two layers but the constant. */
  possible: number;
  /** Edges that are not zero. */
  present: number;
  /** Sum of the edges. */
  total: number;
  /** (sum E)^2 / sum E^2: as many edges of equal strength would be as spread out. 1 to n; 0 without edges. */
  participationRatio: number;
  /** (sqrt(n) - sum E / sqrt(sum E^2)) / (sqrt(n) - 1): 0 for equal edges, 1 for a single one (Hoyer 2004); 0 without edges. */
  hoyer: number;
  /** Fewest edges that hold half, 90 % and 99 % of the total. */
  holding: { half: number; ninety: number; ninetyNine: number };
  /** Empirical distribution: [strength, fraction of the present edges of at most this strength], ascending. */
  ecdf: [strength: number, fraction: number][];
}

/** Steps of the empirical distribution; it is drawn, not computed with. */
const ecdfSteps = 100;

/**
 * @param edges E [r', r], not negative
 * @param constant whether the input and the output layer begin with the constant feature, whose column (and row of zeros) is left out
 * @param possible n; directions that a basis has truncated count as edges of strength zero, so that bases of one section compare
 */
export function edgeSparsity({ rows, cols, data }: Matrix, constant: { input: boolean; output: boolean }, possible: number): EdgeSparsity {
  const strengths: number[] = [];
  for (let out = constant.output ? 1 : 0; out < rows; out += 1) {
    for (let input = constant.input ? 1 : 0; input < cols; input += 1) {
      const strength = Math.abs(data[out * cols + input]!);
      if (strength > 0) strengths.push(strength);
    }
  }
  strengths.sort((a, b) => a - b);
  const total = strengths.reduce((sum, value) => sum + value, 0);
  const squares = strengths.reduce((sum, value) => sum + value * value, 0);
  const ratio = total / Math.sqrt(squares);
  return {
    possible,
    present: strengths.length,
    total,
    participationRatio: squares > 0 ? ratio * ratio : 0,
    hoyer: squares > 0 && possible > 1 ? (Math.sqrt(possible) - ratio) / (Math.sqrt(possible) - 1) : 0,
    holding: { half: holding(strengths, total * 0.5), ninety: holding(strengths, total * 0.9), ninetyNine: holding(strengths, total * 0.99) },
    ecdf: empirical(strengths),
  };
}

/** How many of the strongest add up to `wanted`. */
function holding(ascending: readonly number[], wanted: number): number {
  let sum = 0;
  let count = 0;
  while (count < ascending.length && sum < wanted) {
    count += 1;
    sum += ascending[ascending.length - count]!;
  }
  return count;
}

function empirical(ascending: readonly number[]): [number, number][] {
  const count = ascending.length;
  const ranks = new Set(Array.from({ length: Math.min(ecdfSteps, count) }, (_, step) => Math.ceil(((step + 1) * count) / Math.min(ecdfSteps, count))));
  return [...ranks].map((rank) => [ascending[rank - 1]!, rank / count]);
}
