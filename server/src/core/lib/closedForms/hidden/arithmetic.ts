/** @file What ways to the same numbers cost, in operations of a matrix product, so that the cheapest can be chosen. */

export interface Arithmetic {
  /** Operations (multiplications and additions) of matrix products, or what takes as long. */
  readonly products: number;
  /** Passes over single numbers: elementwise operations. */
  readonly passes: number;
}

/** One pass over a number costs about as much as this many operations of a matrix product: 0.6 ns at 110 GFLOP/s (docs/backends.md). */
const operationsPerPass = 70;

export const costOf = ({ products, passes }: Arithmetic): number => products + operationsPerPass * passes;
