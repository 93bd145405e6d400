/** @file The signs of one draw as a tensor (method section 3.2). */

import type { Engine, Tensor } from "../../../engine/engine";
import type { EdgeDraws } from "../sources/randomSources";

/** Which samples of the pass, and which of their output positions. */
interface DrawnPlaces {
  readonly firstSample: number;
  readonly samples: number;
  /** Output positions of a sample, T. */
  readonly positions: number;
  readonly first: number;
  readonly count: number;
}

/** e_t [samples, count, 1] */
export function signTensor(engine: Engine, draws: EdgeDraws, draw: number, { firstSample, samples, positions, first, count }: DrawnPlaces): Tensor {
  const signs = new Float64Array(positions);
  const values = new Float64Array(samples * count);
  for (let sample = 0; sample < samples; sample += 1) {
    draws.signs(draw, firstSample + sample, signs);
    values.set(signs.subarray(first, first + count), sample * count);
  }
  return engine.tensor(values, [samples, count, 1]);
}
