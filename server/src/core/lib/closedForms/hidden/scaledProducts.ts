/**
 * @file Squared Jacobian entries through one layer of elementwise activations: per sample A = diag(f_hat) (L diag(a') R + constant), where
 * L = C_pinv A leads from the features into the layer and R from there to the next features (method section 3.6). The smaller
 * outer side is stacked with the samples, so that a chunk is one large matrix product.
 */

import type { Engine, Tensor } from "../../../../engine/engine";
import { transpose } from "../../../linalg/arrange";
import { rescale } from "../../../linalg/elementary";
import { matrix, type Matrix } from "../../../linalg/matrix";
import { toTensor } from "../matrices";
import type { Arithmetic } from "./arithmetic";
import type { HiddenLayer } from "./hiddenLayer";
import { valuesPerRow } from "./outputParts";
import type { SquaredJacobians } from "./squaredJacobians";

/** Per sample: one product of the stacked side, which is written first, and a square for every edge. */
export function scaledProductCost({ into, outOf }: HiddenLayer): Arithmetic {
  const [inputs, hidden, outputs] = [into.rows, into.cols, outOf.cols];
  return { products: 2 * inputs * hidden * outputs, passes: Math.min(inputs, outputs) * hidden + 3 * inputs * outputs };
}

/** The side that is stacked with the samples is chosen here. */
export class GatedProducts implements SquaredJacobians {
  readonly valuesPerRow: number;
  readonly multiplicationsPerRow = 0;
  readonly #stacksOutputs: boolean;
  readonly #into: Tensor;
  readonly #outOf: Tensor;
  readonly #stacked: Tensor;
  /** What by-passes the layer, in the order of the products; null for nothing. */
  readonly #constant: Tensor | null;
  readonly #sums: Matrix;

  constructor(private readonly engine: Engine, layer: HiddenLayer) {
    const inputs = layer.into.rows;
    const outputs = layer.outOf.cols;
    this.valuesPerRow = valuesPerRow(layer, outputs);
    this.#stacksOutputs = outputs <= inputs;
    this.#into = toTensor(engine, layer.into);
    this.#outOf = toTensor(engine, layer.outOf);
    this.#stacked = this.#stacksOutputs ? engine.transpose(this.#outOf, [1, 0]) : this.#into;
    this.#constant = layer.constant && toTensor(engine, this.#stacksOutputs ? transpose(layer.constant) : layer.constant);
    this.#sums = this.#stacksOutputs ? matrix(outputs, inputs) : matrix(inputs, outputs);
  }

  async add(slope: Tensor, features: Tensor | null): Promise<void> {
    const { engine } = this;
    const squares = engine.tidy(() => {
      const jacobians = this.#jacobians(slope);
      if (features === null) return engine.sumOfSquares(jacobians, [0]);
      const [samples, inputs] = features.shape as [number, number];
      const factors = engine.reshape(features, this.#stacksOutputs ? [samples, 1, inputs] : [samples, inputs, 1]);
      return engine.sumOfSquares(engine.mul(jacobians, factors), [0]);
    });
    await engine.addTo(this.#sums.data, squares);
    engine.dispose(squares);
  }

  mean(count: number): Matrix {
    const mean = rescale(this.#sums, 1 / count);
    return this.#stacksOutputs ? mean : transpose(mean);
  }

  dispose(): void {
    this.engine.dispose(this.#into, this.#outOf, this.#stacked, ...(this.#constant ? [this.#constant] : []));
  }

  /** [n, r', r], or [n, r, r'] when inputs are stacked. */
  #jacobians(slope: Tensor): Tensor {
    const { engine } = this;
    const gated = scaledRows(engine, slope, this.#stacked);
    const products = this.#stacksOutputs ? engine.matMul(gated, this.#into, { transposeB: true }) : engine.matMul(gated, this.#outOf);
    const jacobians = engine.reshape(products, [slope.shape[0], this.#sums.rows, this.#sums.cols]);
    return this.#constant ? engine.add(jacobians, this.#constant) : jacobians;
  }
}

/** slope [n, h], rows [p, h] -> [n p, h]: row (n, p) is slope_n times rows_p. */
function scaledRows(engine: Engine, slope: Tensor, rows: Tensor): Tensor {
  const [samples, hidden] = slope.shape as [number, number];
  const count = rows.shape[0];
  const product = engine.mul(engine.reshape(slope, [samples, 1, hidden]), engine.reshape(rows, [1, count, hidden]));
  return engine.reshape(product, [samples * count, hidden]);
}
