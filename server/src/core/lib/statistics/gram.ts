/**
 * @file Gram matrix of centred activations (method section 2.2), G = 1/(N S) sum g^T g with g = f - mu except at the constant, which stays 1.
 * Centring comes before the product: E[f f^T] - mu mu^T would cancel.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { accumulate } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { LayerStatistics } from "./statistics";

export class GramAccumulator {
  readonly #total: Matrix;
  /** What is subtracted, rounded to the engine's precision: 0 at the constant. */
  readonly #shiftValues: Float64Array | null;
  readonly #shift: Tensor | null;
  #samples = 0;

  /** @param mean mu of the layer; null without centring */
  constructor(private readonly engine: Engine, width: number, mean: Float64Array | null) {
    this.#total = matrix(width, width);
    const rounded = engine.precision === "float64" ? (value: number): number => value : Math.fround;
    this.#shiftValues = mean && mean.map((value, index) => (index === width - 1 ? 0 : rounded(value)));
    this.#shift = this.#shiftValues && engine.tensor(this.#shiftValues, [width]);
  }

  /** @param x [B, S, d] */
  async add(x: Tensor): Promise<void> {
    const { engine } = this;
    const [samples, positions, width] = x.shape;
    const product = engine.tidy(() => {
      const rows = engine.reshape(this.#shift ? engine.sub(x, this.#shift) : x, [samples * positions, width]);
      return engine.matMul(rows, rows, { transposeA: true });
    });
    accumulate(this.#total, await engine.read(product), 1 / positions);
    engine.dispose(product);
    this.#samples += samples;
  }

  /** @param mean the layer's mean, reported as it is when nothing was centred */
  statistics(mean: Float64Array): LayerStatistics {
    const gram = matrix(this.#total.rows, this.#total.cols, this.#total.data.map((value) => value / this.#samples));
    if (this.#shift) this.engine.dispose(this.#shift);
    return this.#shiftValues ? compensated(gram, this.#shiftValues) : { mean, gram, centered: false };
  }
}

/**
 * The mean that was subtracted is rounded to the engine's precision. What is left of it stands in the constant's row of the Gram (the
 * product of each component with 1): it is added to what was subtracted and its square taken out of the Gram; then the constant is exactly uncorrelated.
 */
function compensated(gram: Matrix, shift: Float64Array): LayerStatistics {
  const size = gram.rows;
  const last = size - 1;
  const rest = gram.data.slice(last * size, last * size + last);
  const data = gram.data.slice();
  for (let row = 0; row < last; row += 1) {
    for (let col = 0; col < last; col += 1) data[row * size + col] -= rest[row] * rest[col];
    data[row * size + last] = 0;
    data[last * size + row] = 0;
  }
  data[size * size - 1] = 1;
  return { mean: shift.map((value, index) => (index < last ? value + rest[index] : 1)), gram: matrix(size, size, data), centered: true };
}
