/** @file From second moments of slopes, weighted with the squares of the features, to the edges through a layer: the last step of slopePairs.ts and firingPairs.ts. */

import { hadamard } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import { multiply } from "../../linalg/multiply";
import type { HiddenLayer } from "./scaledProducts";

/** Sums over samples, by input feature j of r. */
export interface PairMoments {
  /** Writes T_j = sum f_j^2 a' a'^T [h, h], both halves. */
  fill(input: number, moment: Float64Array): void;
  /** sum f_j^2 a' [r, h] */
  readonly slopes: Matrix;
  /** sum f_j^2 [1, r] */
  readonly squares: Matrix;
}

/** Numbers of the moments that are contracted in one product: they stay near the processor. */
const contractedAtOnce = 2 ** 17;

/** Arithmetic of the whole step, which does not depend on the number of samples: products, which in float64 count twice, and passes. */
export const contractionCost = ({ into, outOf }: HiddenLayer): { products: number; passes: number } => ({
  products: 4 * into.rows * into.cols ** 2 * outOf.cols,
  passes: 3 * into.rows * into.cols ** 2 + into.rows * into.cols * outOf.cols,
});

/**
 * E_ij = sum_ac L_ja R_ai L_jc R_ci T_j,ac + 2 K_ji sum_a L_ja R_ai U_ja + K_ji^2 S_j: [r', r]. The first term is summed over c first: where
 * the slopes are all equal, terms cancel there, and what rounding leaves of them cancels again in the sum over a.
 */
export function edgesOfPairMoments({ fill, slopes, squares }: PairMoments, { into, outOf, constant }: HiddenLayer, checkCancelled: () => void): Matrix {
  const { rows: inputs, cols: hidden } = into;
  const outputs = outOf.cols;
  const edges = matrix(outputs, inputs);
  const linear = multiply(hadamard(into, slopes), outOf);
  const together = Math.max(1, Math.floor(contractedAtOnce / hidden ** 2));
  const momentRoom = new Float64Array(Math.min(together, inputs) * hidden * hidden);
  const spreadRoom = new Float64Array(Math.min(together, inputs) * hidden * outputs);
  for (let first = 0; first < inputs; first += together) {
    checkCancelled();
    const count = Math.min(together, inputs - first);
    const moments = matrix(count * hidden, hidden, momentRoom.subarray(0, count * hidden * hidden));
    for (let place = 0; place < count; place += 1) {
      const moment = moments.data.subarray(place * hidden * hidden, (place + 1) * hidden * hidden);
      fill(first + place, moment);
      scaleMomentColumns(moment, into.data.subarray((first + place) * hidden, (first + place + 1) * hidden));
    }
    const spread = multiply(moments, outOf, {}, spreadRoom);
    for (let input = first; input < first + count; input += 1) {
      const quadratic = contracted(into.data.subarray(input * hidden, (input + 1) * hidden), outOf.data, spread.data.subarray((input - first) * hidden * outputs));
      for (let output = 0; output < outputs; output += 1) {
        const bypass = constant === null ? 0 : constant.data[input * outputs + output];
        const square = quadratic[output] + 2 * bypass * linear.data[input * outputs + output] + bypass * bypass * squares.data[input];
        // A mean of squares; rounding may leave a vanishing one below zero.
        edges.data[output * inputs + input] = Math.max(0, square);
      }
    }
  }
  return edges;
}

function scaleMomentColumns(moment: Float64Array, weights: Float64Array): void {
  for (let at = 0; at < moment.length; at += weights.length) {
    for (let col = 0; col < weights.length; col += 1) moment[at + col] *= weights[col];
  }
}

/** sum_a L_a R_ai P_ai [r'], from L [h] and the rows of R and P [h, r'] */
function contracted(into: Float64Array, outOf: Float64Array, spread: Float64Array): Float64Array {
  const outputs = outOf.length / into.length;
  const sums = new Float64Array(outputs);
  for (let a = 0, at = 0; a < into.length; a += 1) {
    const weight = into[a];
    for (let output = 0; output < outputs; output += 1, at += 1) sums[output] += weight * outOf[at] * spread[at];
  }
  return sums;
}
