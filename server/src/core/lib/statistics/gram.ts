/**
 * @file Gram matrix of centred activations (method section 2.2), G = 1/(N S) sum g^T g with g = f - mu except at the constant, which stays 1.
 * Centring comes before the product: E[f f^T] - mu mu^T would cancel.
 *
 * Products are float64 whatever the engine's precision. The whitening divides by eigenvalues down to the threshold, a millionth of the
 * largest: products that are rounded in float32 turn those directions by some percent, differently for every batch size, and Lambda of the
 * layers before moves in the sixth digit.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { matrix, type Matrix } from "../../linalg/matrix";
import { SymmetricSum } from "../../linalg/symmetricSum";
import type { LayerStatistics } from "./statistics";

/** Bytes of the columns of one product, and the most rows: longer ones are no faster. */
const bytesPerProduct = 2 ** 24;
const mostRows = 2000;

export class GramAccumulator {
  readonly #sum: SymmetricSum;
  /** What is subtracted: 0 at the constant. */
  readonly #shift: Float64Array;
  readonly #rowsPerProduct: number;
  #rows = 0;

  /** @param mean mu of the layer; null without centring */
  constructor(private readonly engine: Engine, private readonly width: number, private readonly mean: Float64Array | null) {
    this.#sum = new SymmetricSum(width);
    this.#rowsPerProduct = Math.max(1, Math.min(mostRows, Math.floor(bytesPerProduct / (8 * width))));
    this.#shift = mean ? mean.map((value, index) => (index === width - 1 ? 0 : value)) : new Float64Array(width);
  }

  /** @param x [B, S, d] */
  async add(x: Tensor): Promise<void> {
    await this.engine.readColumns(x, this.#shift, this.#rowsPerProduct, (columns, count) => {
      this.#sum.add(matrix(this.width, count, columns));
      this.#rows += count;
    });
  }

  /** @param mean the layer's mean, reported as it is when nothing was centred */
  statistics(mean: Float64Array): LayerStatistics {
    const gram = this.#sum.total(1 / this.#rows);
    return this.mean ? compensated(gram, this.#shift) : { mean, gram, centered: false };
  }
}

/**
 * The mean that was subtracted is a sum in the engine's precision. What is left of it stands in the constant's row of the Gram (the
 * product of each component with 1): it is added to what was subtracted and its square taken out of the Gram, in place; then the constant is
 * exactly uncorrelated.
 */
function compensated(gram: Matrix, shift: Float64Array): LayerStatistics {
  const { data, rows: size } = gram;
  const last = size - 1;
  const rest = data.slice(last * size, last * size + last);
  for (let row = 0; row < last; row += 1) {
    for (let col = 0; col < last; col += 1) data[row * size + col] -= rest[row] * rest[col];
    data[row * size + last] = 0;
    data[last * size + row] = 0;
  }
  data[size * size - 1] = 1;
  return { mean: shift.map((value, index) => (index < last ? value + rest[index] : 1)), gram, centered: true };
}
