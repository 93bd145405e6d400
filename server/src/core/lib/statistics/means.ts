/** @file Mean activations (method section 2.1): every sample weighs the same, positions the same within a sample. */

import type { Engine, Tensor } from "../../../engine/engine";

export class MeanAccumulator {
  readonly #sum: Float64Array;
  #samples = 0;

  constructor(private readonly engine: Engine, width: number) {
    this.#sum = new Float64Array(width);
  }

  /** @param x [B, S, d] */
  async add(x: Tensor): Promise<void> {
    const sums = this.engine.tidy(() => this.engine.sum(x, [0, 1]));
    const [samples, positions] = x.shape;
    await this.engine.addTo(this.#sum, sums, 1 / positions);
    this.engine.dispose(sums);
    this.#samples += samples;
  }

  /**
   * mu [d]
   * @param hasConstant the last component is the constant 1, whose mean is set exactly
   * @throws RangeError when the constant component was not 1
   */
  mean(hasConstant: boolean): Float64Array {
    const mean = this.#sum.map((value) => value / this.#samples);
    if (!hasConstant) return mean;
    const last = mean.length - 1;
    if (!(Math.abs(mean[last] - 1) < 1e-6)) throw new RangeError(`The constant component of a node layer has mean ${mean[last]} instead of 1.`);
    mean[last] = 1;
    return mean;
  }
}
