/**
 * @file How much memory a run will take, said before it starts; what is left for batches and chunks; and whether finished matrices have to
 * wait on disk (scratch.ts).
 *
 * The estimate is what the process takes beyond a bare Node, at its highest: everything that is kept to the end, plus the largest
 * step. A test measures it in processes of their own.
 */

import type { HiddenSize } from "../../core/network/hostBytes";
import { InputError } from "../errors";

export interface MemoryFacts {
  /** Bytes of the data in memory: inputs and labels. */
  dataBytes: number;
  /** Bytes of the data that scores are taken on; 0 when it is the same. */
  evaluationBytes: number;
  /** Bytes of the weights in every form: as read, in float64 on the host, and as the engine's tensors. */
  weightBytes: number;
  /** Widths of the node layers. */
  widths: readonly number[];
  /** Layers of activations inside the sections; section l leads from widths[l] to widths[l + 1]. */
  hidden: readonly HiddenSize[];
  /** Numbers of all node layers' activations per sample, positions included. */
  activationsPerSample: number;
  samples: number;
  /** Of one sample; 1 without positions. */
  positions: number;
  bytesPerValue: 4 | 8;
}

export interface MemoryPlan {
  /** Bytes that are needed whatever the batches are. */
  fixed: number;
  /** Bytes for kept activations and for the chunks of one step. */
  budget: number;
  /** Bytes that the run will take at its highest. */
  estimate: number;
  /** Finished matrices wait on disk, since not all of them fit. */
  spills: boolean;
  /** Bytes that the Grams of one pass over the data may take. */
  gramBudget: number;
}

const megabyte = 2 ** 20;

/** Bundled code, native libraries and what the garbage collector has not returned yet. */
const runtime = 144 * megabyte;

/** The least that batches and chunks need to be worth it. */
const smallestBudget = 32 * megabyte;

/** More than this brings no speed and only delays the answer to a cancel. */
const largestBudget = 1024 * megabyte;

/** Square float64 matrices kept per node layer: Gram, W, W's inverse, C, C's inverse. */
const matricesPerLayer = 5;

/** Per section in numbers of float64: edges in two bases, Jacobian mean and root mean square in three, all float32. */
const matricesPerSection = 4;

/** Of one layer, alive while its Gram is decomposed: the eigensolver's four and a half, its input and output, what it has just let go of. */
const matricesPerLayerStep = 9;

/** Largest chunk of one step (core/lib/closedForms/chunks.ts), and how many times over it is alive: tensors, their float64 copy, the sum. */
const largestChunk = 64 * megabyte;
const liveChunks = 3;

/** @throws InputError that names the fields to change when the limit is too small. */
export function planMemory(facts: MemoryFacts, limit: number): MemoryPlan {
  const { dataBytes, evaluationBytes, weightBytes, widths, hidden, activationsPerSample, samples, positions, bytesPerValue } = facts;
  const squares = widths.reduce((sum, width) => sum + width * width, 0);
  const sections = hidden.reduce((sum, _, index) => sum + widths[index]! * widths[index + 1]!, 0);
  const step = 8 * Math.max(
    ...widths.map((width) => matricesPerLayerStep * width * width),
    ...hidden.map((size, index) => sectionStep(widths[index]!, widths[index + 1]!, size)),
  );
  const kept = 8 * (matricesPerLayer * squares + matricesPerSection * sections);
  const data = dataBytes + evaluationBytes;
  const others = runtime + data + weightBytes;
  // Sums and halves of them are all that a pass for the Grams holds.
  const gramBudget = step / 2;
  const spills = others + kept + step + smallestBudget > limit;
  const fixed = others + step + (spills ? 0 : kept);
  if (fixed + smallestBudget > limit) {
    throw new InputError(
      `The analysis needs about ${describeBytes(fixed + smallestBudget)} (data ${describeBytes(data)}, weights ${describeBytes(weightBytes)}, `
      + `one step on layers of up to ${Math.max(...widths, ...hidden.map(({ neurons }) => neurons))} dimensions ${describeBytes(step)}, `
      + `${describeBytes(runtime + smallestBudget)} to compute with), more than the limit of ${describeBytes(limit)}. Raise "maxMemory", or give "data.limit" or fewer "nodeLayers" in the spec.`,
    );
  }
  // Kept activations take half of the budget, chunks three quarters of it until they have their full size.
  const budget = Math.min(largestBudget, Math.floor((limit - fixed) / 1.25));
  // Attention has scores of every pair of positions beside; all samples of a small network fit one chunk.
  const wholeChunk = positions > 1 ? Infinity : bytesPerValue * samples * Math.max(...hidden.map(({ neurons }, index) => 4 * widths[index]! * Math.max(neurons, widths[index + 1]!)));
  const activations = Math.min(budget / 2, samples * activationsPerSample * bytesPerValue);
  return {
    fixed, budget, spills,
    estimate: fixed + activations + liveChunks * Math.min(largestChunk, budget / 4, wholeChunk),
    gramBudget: spills ? gramBudget : Infinity,
  };
}

/** Numbers of float64 alive in the Jacobian Gram of a section, or in its edges and Jacobian summaries. */
function sectionStep(inputs: number, outputs: number, { neurons, factors }: HiddenSize): number {
  // Vectors and M', the next C and its metric, moments of pairs of slopes, the metric at the neurons and what they are joined in.
  const pairs = (factors * (factors + 1)) / 2;
  const gram = 2 * inputs * inputs + 2 * outputs * outputs + (pairs + 3) * neurons * neurons + 2 * inputs * neurons;
  // Both transforms, the ways into and out of the neurons with their tensors, sums, mean and mean square.
  const edges = 2 * inputs * inputs + 2 * outputs * outputs + 2 * factors * inputs * neurons + 2 * neurons * outputs + 3 * inputs * outputs;
  return Math.max(gram, edges);
}

export function describeBytes(bytes: number): string {
  return bytes >= 1 << 30 ? `${(bytes / 2 ** 30).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 2 ** 20))} MB`;
}
