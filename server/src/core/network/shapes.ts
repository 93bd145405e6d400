/** @file Small rearrangements of tensors that modules and sections share. */

import type { Engine, Tensor } from "../../engine/engine";

/** [B, S, d] -> [B, 1, S, d], to meet a cotangent [B, R, S, d]. */
export function withSourceAxis(engine: Engine, x: Tensor): Tensor {
  const [samples, ...rest] = x.shape as [number, ...number[]];
  return engine.reshape(x, [samples, 1, ...rest]);
}

/** Cuts the last axis into consecutive blocks of the given widths. */
export function splitLast(engine: Engine, x: Tensor, widths: readonly number[]): Tensor[] {
  if (widths.length === 1) return [x];
  const leading = x.shape.slice(0, -1);
  let start = 0;
  return widths.map((width) => {
    const part = engine.slice(x, [...leading.map(() => 0), start], [...leading, width]);
    start += width;
    return part;
  });
}

/** Joins tensors along the last axis. */
export function concatLast(engine: Engine, parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? parts[0] : engine.concat(parts, parts[0].shape.length - 1);
}

/** Repeats a tensor whose sample axis is 1 so that it has `samples` samples. */
export function widenSamples(engine: Engine, x: Tensor, samples: number): Tensor {
  if (x.shape[0] === samples) return x;
  const ones = engine.tensor(new Float64Array(samples).fill(1), [samples, ...x.shape.slice(1).map(() => 1)]);
  return engine.mul(ones, x);
}
