/** @file How much memory a run will take, said before it starts, and what is left for batches. */

import { InputError } from "../errors";

export interface MemoryFacts {
  /** Numbers in the data set and in the weights. */
  dataValues: number;
  weightValues: number;
  /** Widths of the node layers. */
  widths: readonly number[];
  bytesPerValue: 4 | 8;
}

export interface MemoryPlan {
  /** Bytes that are needed whatever the batches are. */
  fixed: number;
  /** Bytes for kept activations and for the chunks of one step. */
  budget: number;
}

/** The least that batches and chunks need to be worth it. */
const smallestBudget = 32 << 20;

/** More than this brings no speed and only delays the answer to a cancel. */
const largestBudget = 1 << 30;

/** Square float64 matrices alive per node layer: Gram, U, W, W's inverse, C, C's inverse, two for edges. */
const matricesPerLayer = 8;

/** @throws InputError that names the fields to change when the limit is too small. */
export function planMemory(facts: MemoryFacts, limit: number): MemoryPlan {
  const { dataValues, weightValues, widths, bytesPerValue } = facts;
  const widest = Math.max(...widths);
  // The eigensolver's own copies come on top, for the widest layer only.
  const bases = 8 * (matricesPerLayer * widths.reduce((sum, width) => sum + width * width, 0) + 4 * widest * widest);
  const fixed = dataValues * 4 + weightValues * (bytesPerValue + 8) + bases;
  if (fixed + smallestBudget > limit) {
    throw new InputError(
      `The analysis needs about ${describeBytes(fixed + smallestBudget)} (data ${describeBytes(dataValues * 4)}, bases of up to ${widest} dimensions ${describeBytes(bases)}), `
      + `more than the limit of ${describeBytes(limit)}: raise "maxMemory", or give "data.limit" or fewer "nodeLayers" in the spec.`,
    );
  }
  return { fixed, budget: Math.min(largestBudget, limit - fixed) };
}

export function describeBytes(bytes: number): string {
  return bytes >= 1 << 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 2 ** 20))} MB`;
}
