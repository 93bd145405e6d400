/** @file Samples of a data set as batches of tensors, as often as the method passes over them. */

import type { Tensor } from "../../engine/engine";
import { everyNth } from "./evenSample";
import type { Module } from "./module";
import type { ByteVectors, Network, NetworkInputs } from "./network";

interface Batch {
  readonly count: number;
  /** What enters the first module; the consumer disposes them. */
  readonly tensors: readonly Tensor[];
}

/** Can be iterated again and again, always in the same order. */
export interface BatchSource extends Iterable<Batch> {
  readonly samples: number;
  /** S of one sample; 1 without positions. */
  readonly positions: number;
  /** The samples where they are vectors of bytes; null else. */
  readonly bytes: ByteVectors | null;
  /** Every `stride`-th sample, the first one included: for estimates where all would cost too much. */
  everyNth(stride: number): BatchSource;
}

/** @param limit use at most this many samples, from the start. */
export function networkBatches(network: Network, inputs: NetworkInputs, batchSize: number, limit = inputs.count): BatchSource {
  const samples = Math.min(limit, inputs.count);
  return {
    samples,
    positions: inputs.kind === "tokens" ? inputs.positions : 1,
    bytes: inputs.kind === "bytes" ? { ...inputs, count: samples } : null,
    everyNth: (stride) => networkBatches(network, everyNth(inputs, stride), batchSize, Math.ceil(samples / stride)),
    *[Symbol.iterator]() {
      for (let start = 0; start < samples; start += batchSize) {
        const count = Math.min(batchSize, samples - start);
        yield { count, tensors: network.encode(inputs, start, count) };
      }
    },
  };
}

/** Bytes of the widest activations of a batch: large enough for efficient products. */
const largestBatch = 16e6;

/** Part of the room of their numbers that vectors of bytes count for: those of most images are never written, those of some are. */
const shareOfBytes = 1 / 2;

/** Multiply-adds of one forward pass over a batch: a tenth of a second at 20 GFLOP/s, so that a cancelled run answers quickly. */
const largestPass = 1e9;

/** Rows of a batch as a share of the widest layer: products of fewer rows cost less than adding up what they give. */
const rowsPerWidth = 1 / 8;

/**
 * Samples per batch such that the widest activations of one batch take at most `bytes`, and one forward pass stays short.
 * @param modules those that will run: logits of a large vocabulary count only where they are computed
 */
export function automaticBatchSize(network: Network, inputs: NetworkInputs, modules: readonly Module[] = network.modules, bytes = largestBatch): number {
  const positions = inputs.kind === "tokens" ? inputs.positions : 1;
  const width = Math.max(...modules.map(({ inputWidths, outputWidths, structure }, place) => {
    const scores = structure.kind === "attention" ? structure.attention.heads * positions : 0;
    const entering = place === 0 && inputs.kind === "bytes" ? shareOfBytes * sum(inputWidths) : sum(inputWidths);
    return Math.max(entering + sum(outputWidths), scores);
  }));
  const weights = sum(modules.flatMap(({ structure }) => (structure.kind === "linear" ? structure.terms.map(({ weight }) => weight?.data.length ?? 0) : [])));
  const bytesPerValue = network.engine.precision === "float64" ? 8 : 4;
  const fitting = Math.min(bytes, largestBatch) / (positions * width * bytesPerValue);
  const short = Math.max(largestPass / Math.max(1, positions * weights), (rowsPerWidth * width) / positions);
  return Math.max(1, Math.min(inputs.count, Math.floor(Math.min(fitting, short))));
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
