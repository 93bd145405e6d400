/** @file Cutting a batch into pieces whose temporary tensors fit the memory budget. */

import type { Engine, Tensor } from "../../../engine/engine";

/** Bytes that the temporaries of one chunk may take, whatever the run's budget: more does not make products faster. */
export const largestChunk = 64 * 2 ** 20;

/** Multiply-adds of one chunk, so that a cancelled run ends soon: a fifth of a second with own kernels, much less with a native library. */
export const longestChunk = ({ precision }: Engine): number => (precision === "float64" ? 1.5e9 : 3e9);

/**
 * Calls `body` with consecutive parts of x [B, S, d] along the first axis and frees them afterwards.
 * @param valuesPerSample numbers that the temporaries of one sample take
 * @param multiplicationsPerSample of the longest product that `body` makes between two checks for a cancelled run
 */
export async function forEachChunk(
  engine: Engine, x: Tensor, valuesPerSample: number, memoryBudget: number, body: (part: Tensor) => Promise<void>,
  multiplicationsPerSample = 0,
): Promise<void> {
  const [samples, ...rest] = x.shape as [number, ...number[]];
  const size = Math.max(1, Math.floor(Math.min(samplesThatFit(engine, valuesPerSample, memoryBudget), longestChunk(engine) / multiplicationsPerSample)));
  if (size >= samples) return body(x);
  const even = Math.ceil(samples / Math.ceil(samples / size));
  for (let start = 0; start < samples; start += even) {
    const count = Math.min(even, samples - start);
    const part = engine.slice(x, [start, ...rest.map(() => 0)], [count, ...rest]);
    try {
      await body(part);
    } finally {
      engine.dispose(part);
    }
  }
}

/**
 * The same for position-wise sections, where positions are just more samples: `body` gets rows [n, d] of x [B, S, d], parts of a sample where a
 * whole one does not fit.
 */
export async function forEachRows(
  engine: Engine, x: Tensor, valuesPerRow: number, memoryBudget: number, body: (rows: Tensor) => Promise<void>, multiplicationsPerRow = 0,
): Promise<void> {
  const rows = asRows(engine, x);
  try {
    await forEachChunk(engine, rows, valuesPerRow, memoryBudget, body, multiplicationsPerRow);
  } finally {
    engine.dispose(rows);
  }
}

/** Samples of one chunk; below 1 when not even one fits. */
export function samplesThatFit(engine: Engine, valuesPerSample: number, memoryBudget: number): number {
  const bytes = valuesPerSample * (engine.precision === "float64" ? 8 : 4);
  return Math.min(largestChunk, memoryBudget) / Math.max(1, bytes);
}

/** [B, S, d] -> [B S, d]: in position-wise sections positions are just more samples. */
export function asRows(engine: Engine, x: Tensor): Tensor {
  const width = x.shape[x.shape.length - 1];
  return engine.reshape(x, [x.size / width, width]);
}
