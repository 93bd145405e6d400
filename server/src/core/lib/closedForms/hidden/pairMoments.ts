/** @file From second moments of slopes, weighted with the squares of the features, to the edges through a layer: the last step of slopePairs.ts and firingPairs.ts. */

import type { Engine, FloatArray } from "../../../../engine/engine";
import { fastestProducts } from "../../../../engine/products/hostProducts";
import { planMatMul } from "../../../../engine/shapes";
import type { Precision } from "../../../../protocol/spec";
import { hadamard } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { multiply } from "../../../linalg/multiply";
import { longestChunk } from "../chunks";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";

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

/** A pass over numbers on the host is one thread's: 2.5 to 3 ns (widths 128 to 512), where arithmetic.ts counts 0.6 ns for one on the engine. */
const passesOfOneThread = 4;

/** Arithmetic of the whole step, which does not depend on the number of samples: products in the run's precision, and passes. */
export const contractionCost = ({ into, outOf }: HiddenLayer): Arithmetic => ({
  products: 2 * into.rows * into.cols ** 2 * outOf.cols,
  passes: passesOfOneThread * (3 * into.rows * into.cols ** 2 + into.rows * into.cols * outOf.cols),
});

/**
 * Passes per sample in which `numbers` sums of every chunk are written, read and added up on the host.
 * @param multiplications that bound a chunk, per sample (chunks.ts) @param samples of all chunks
 */
export const addingCost = (engine: Engine, numbers: number, multiplications: number, samples: number): number => (
  (Math.ceil((samples * multiplications) / longestChunk(engine)) * 3 * passesOfOneThread * numbers) / samples
);

/**
 * E_ij = sum_ac L_ja R_ai L_jc R_ci (T_j - U_j U_j^T / S_j)_ac + S_j (K_ji + sum_a L_ja R_ai U_ja / S_j)^2: [r', r]. The mean slopes stand apart, so
 * that the moments left have their own size: where the slopes are all equal nothing is left, and elsewhere single precision keeps the digits
 * that sums in single precision have. They are summed over c first: what cancels there cancels before the sum over a.
 */
export function edgesOfPairMoments(
  { fill, slopes, squares }: PairMoments, { into, outOf, constant }: HiddenLayer, precision: Precision, checkCancelled: () => void,
): Matrix {
  const { rows: inputs, cols: hidden } = into;
  const outputs = outOf.cols;
  const edges = matrix(outputs, inputs);
  const linear = multiply(hadamard(into, slopes), outOf);
  const together = Math.max(1, Math.min(inputs, Math.floor(contractedAtOnce / hidden ** 2)));
  const room = (size: number): FloatArray => (precision === "float64" ? new Float64Array(size) : new Float32Array(size));
  const moment = new Float64Array(hidden * hidden);
  const moments = room(together * hidden * hidden);
  const spread = room(together * hidden * outputs);
  const weights = room(hidden * outputs);
  weights.set(outOf.data);
  for (let first = 0; first < inputs; first += together) {
    checkCancelled();
    const count = Math.min(together, inputs - first);
    for (let place = 0; place < count; place += 1) {
      const row = (a: Matrix): Float64Array => a.data.subarray((first + place) * hidden, (first + place + 1) * hidden);
      fill(first + place, moment);
      centre(moment, row(slopes), squares.data[first + place], row(into), moments.subarray(place * hidden * hidden, (place + 1) * hidden * hidden));
    }
    const rows = count * hidden;
    const { plan } = planMatMul([rows, hidden], [hidden, outputs], {});
    fastestProducts().products.multiply(plan, moments.subarray(0, rows * hidden), weights, spread.subarray(0, rows * outputs));
    for (let input = first; input < first + count; input += 1) {
      const total = squares.data[input];
      const quadratic = contracted(into.data.subarray(input * hidden, (input + 1) * hidden), outOf.data, spread.subarray((input - first) * hidden * outputs));
      for (let output = 0; output < outputs; output += 1) {
        const bypass = constant === null ? 0 : constant.data[input * outputs + output];
        const mean = total > 0 ? bypass + linear.data[input * outputs + output] / total : 0;
        // The first term is a sum of squares, too; rounding may leave a vanishing one below zero.
        edges.data[output * inputs + input] = Math.max(0, quadratic[output]) + total * mean * mean;
      }
    }
  }
  return edges;
}

/** (T - U U^T / S) diag(L) of one input feature [h, h]; 0 for a feature that is 0 everywhere. */
function centre(moment: Float64Array, slopes: Float64Array, total: number, weights: Float64Array, centred: FloatArray): void {
  const hidden = weights.length;
  for (let a = 0, at = 0; a < hidden; a += 1) {
    const mean = total > 0 ? slopes[a] / total : 0;
    for (let c = 0; c < hidden; c += 1, at += 1) centred[at] = (moment[at] - mean * slopes[c]) * weights[c];
  }
}

/** sum_a L_a R_ai P_ai [r'], from L [h] and the rows of R and P [h, r'] */
function contracted(into: Float64Array, outOf: Float64Array, spread: FloatArray): Float64Array {
  const outputs = outOf.length / into.length;
  const sums = new Float64Array(outputs);
  for (let a = 0, at = 0; a < into.length; a += 1) {
    const weight = into[a];
    for (let output = 0; output < outputs; output += 1, at += 1) sums[output] += weight * outOf[at] * spread[at];
  }
  return sums;
}
