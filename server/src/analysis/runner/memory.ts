/**
 * @file How much memory a run will take, said before it starts, and what is left for batches and chunks.
 *
 * The estimate is what the process takes beyond a bare Node, at its highest: everything that is kept to the end, plus the largest
 * step. A test measures it in processes of their own.
 */

import { InputError } from "../errors";

export interface MemoryFacts {
  /** Bytes of the data in memory: inputs and labels. */
  dataBytes: number;
  /** Bytes of the data that scores are taken on; 0 when it is the same. */
  evaluationBytes: number;
  /** Numbers in the weights. */
  weightValues: number;
  /** Widths of the node layers. */
  widths: readonly number[];
  /** Numbers of all node layers' activations per sample, positions included. */
  activationsPerSample: number;
  samples: number;
  bytesPerValue: 4 | 8;
}

export interface MemoryPlan {
  /** Bytes that are needed whatever the batches are. */
  fixed: number;
  /** Bytes for kept activations and for the chunks of one step. */
  budget: number;
  /** Bytes that the run will take at its highest. */
  estimate: number;
}

const megabyte = 2 ** 20;

/** Bundled code, native libraries and what the garbage collector has not returned yet. */
const runtime = 80 * megabyte;

/** The least that batches and chunks need to be worth it. */
const smallestBudget = 32 * megabyte;

/** More than this brings no speed and only delays the answer to a cancel. */
const largestBudget = 1024 * megabyte;

/** Copies of the weights: as read, folded in float64, and in float64 as the section's structure; the engine's own come on top. */
const weightCopies = 4 + 8 + 8;

/** Square float64 matrices kept per node layer: Gram, U, W, W's inverse, V, C, C's inverse. */
const matricesPerLayer = 7;

/** Per section in numbers of float64: edges in two bases, Jacobian mean and root mean square in three, all float32. */
const matricesPerSection = 4;

/** Of the widest layer, alive for a moment: the eigensolver's five, its input and output, and the products around it. */
const matricesPerStep = 9;

/** Largest chunk of one step (core/lib/closedForms/chunks.ts), and how many times over it is alive: tensors, their float64 copy, the sum. */
const largestChunk = 64 * megabyte;
const liveChunks = 3;

/** @throws InputError that names the fields to change when the limit is too small. */
export function planMemory(facts: MemoryFacts, limit: number): MemoryPlan {
  const { dataBytes, evaluationBytes, weightValues, widths, activationsPerSample, samples, bytesPerValue } = facts;
  const widest = Math.max(...widths);
  const squares = widths.reduce((sum, width) => sum + width * width, 0);
  const sections = widths.slice(1).reduce((sum, width, index) => sum + width * widths[index]!, 0);
  const data = dataBytes + evaluationBytes;
  const weights = weightValues * (weightCopies + bytesPerValue);
  const bases = 8 * (matricesPerLayer * squares + matricesPerSection * sections + matricesPerStep * widest * widest);
  const fixed = runtime + data + weights + bases;
  if (fixed + smallestBudget > limit) {
    throw new InputError(
      `The analysis needs about ${describeBytes(fixed + smallestBudget)} (data ${describeBytes(data)}, weights ${describeBytes(weights)}, bases of up to ${widest} dimensions ${describeBytes(bases)}, `
      + `${describeBytes(runtime + smallestBudget)} to compute with), more than the limit of ${describeBytes(limit)}. Raise "maxMemory", or give "data.limit" or fewer "nodeLayers" in the spec.`,
    );
  }
  // Kept activations take half of the budget, chunks three quarters of it until they have their full size.
  const budget = Math.min(largestBudget, Math.floor((limit - fixed) / 1.25));
  const kept = Math.min(budget / 2, samples * activationsPerSample * bytesPerValue);
  return { fixed, budget, estimate: fixed + kept + liveChunks * Math.min(largestChunk, budget / 4) };
}

export function describeBytes(bytes: number): string {
  return bytes >= 1 << 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 2 ** 20))} MB`;
}
