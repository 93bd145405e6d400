/**
 * @file Orders rows and columns so that strong cells come to lie along the diagonal: reciprocal averaging, that is,
 * the first non-trivial axis of a correspondence analysis of |J| (Hill 1973), found by power iteration.
 */

import type { ViewMatrix } from "../../../server/src/protocol/views";

export interface Orders { rows: Uint32Array; cols: Uint32Array }

const iterations = 60;

/** @returns place k of the picture shows row rows[k] and column cols[k]. Empty rows and columns go last. */
export function clusteredOrder({ rows, cols, values }: ViewMatrix): Orders {
  const size = (at: number): number => (Number.isFinite(values[at]!) ? Math.abs(values[at]!) : 0);
  const rowSums = new Float64Array(rows);
  const colSums = new Float64Array(cols);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const value = size(row * cols + col);
      rowSums[row]! += value;
      colSums[col]! += value;
      total += value;
    }
  }
  const rowScores = new Float64Array(rows);
  // A start without structure of its own, the same every time.
  const colScores = Float64Array.from({ length: cols }, (_, col) => Math.sin(1 + col * 12.9898));
  for (let step = 0; step < iterations && total > 0; step++) {
    center(colScores, colSums, total);
    average(rowScores, rowSums, (row) => { let sum = 0; for (let col = 0; col < cols; col++) sum += size(row * cols + col) * colScores[col]!; return sum; });
    colScores.fill(0);
    for (let row = 0; row < rows; row++) for (let col = 0; col < cols; col++) colScores[col]! += size(row * cols + col) * rowScores[row]!;
    for (let col = 0; col < cols; col++) colScores[col] = colSums[col]! > 0 ? colScores[col]! / colSums[col]! : 0;
  }
  return { rows: ranked(rowScores, rowSums), cols: ranked(colScores, colSums) };
}

/** Takes the constant axis out (it is the trivial solution) and keeps the scores from fading. */
function center(scores: Float64Array, weights: Float64Array, total: number): void {
  let mean = 0;
  for (let k = 0; k < scores.length; k++) mean += scores[k]! * weights[k]!;
  mean /= total;
  let norm = 0;
  for (let k = 0; k < scores.length; k++) {
    scores[k]! -= mean;
    norm += weights[k]! * scores[k]! ** 2;
  }
  norm = Math.sqrt(norm / total) || 1;
  for (let k = 0; k < scores.length; k++) scores[k]! /= norm;
}

function average(scores: Float64Array, weights: Float64Array, sum: (index: number) => number): void {
  for (let k = 0; k < scores.length; k++) scores[k] = weights[k]! > 0 ? sum(k) / weights[k]! : 0;
}

function ranked(scores: Float64Array, weights: Float64Array): Uint32Array {
  return Uint32Array.from(scores.keys()).sort((a, b) => {
    if ((weights[a] === 0) !== (weights[b] === 0)) return weights[a] === 0 ? 1 : -1;
    return scores[a]! - scores[b]! || a - b;
  });
}
