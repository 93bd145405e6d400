/**
 * @file Edges through one layer of elementwise activations: per sample A = diag(f_hat) (L diag(a') R + constant), where
 * L = C_pinv A leads from the features into the layer and R from there to the next features (method section 3.6). The smaller
 * outer side is stacked with the samples, so that a chunk is one large matrix product.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { place, transpose } from "../../linalg/arrange";
import { accumulate, rescale } from "../../linalg/elementary";
import { matrix, type Matrix } from "../../linalg/matrix";
import type { ActivationFunction } from "../../network/activationFunction";
import type { EdgesTask } from "../plans/sectionPlan";
import type { IntegrationPoint } from "../sources/integration";
import { forEachRows } from "./chunks";
import { toTensor } from "./matrices";
import { outputParts, valuesPerRow } from "./outputParts";
import { integratedSlope } from "./slopes";

export interface HiddenLayer {
  /** L [r, h]: features to pre-activations. */
  readonly into: Matrix;
  readonly activation: ActivationFunction;
  /** R [h, r']: activations to features of the next layer. */
  readonly outOf: Matrix;
  /** [r, r']: what by-passes the layer; null for nothing. */
  readonly constant: Matrix | null;
}

/** Sums over samples of squared Jacobian entries through a hidden layer; the side that is stacked with the samples is chosen here. */
export class GatedProducts {
  readonly #stacksOutputs: boolean;
  readonly #into: Tensor;
  readonly #outOf: Tensor;
  readonly #stacked: Tensor;
  /** What by-passes the layer, in the order of the products; null for nothing. */
  readonly #constant: Tensor | null;
  readonly #sums: Matrix;

  constructor(private readonly engine: Engine, private readonly layer: HiddenLayer) {
    const inputs = layer.into.rows;
    const outputs = layer.outOf.cols;
    this.#stacksOutputs = outputs <= inputs;
    this.#into = toTensor(engine, layer.into);
    this.#outOf = toTensor(engine, layer.outOf);
    this.#stacked = this.#stacksOutputs ? engine.transpose(this.#outOf, [1, 0]) : this.#into;
    this.#constant = layer.constant && toTensor(engine, this.#stacksOutputs ? transpose(layer.constant) : layer.constant);
    this.#sums = this.#stacksOutputs ? matrix(outputs, inputs) : matrix(inputs, outputs);
  }

  /** Features [n, r] -> integrated slopes [n, h]. */
  slopes(features: Tensor, points: readonly IntegrationPoint[]): Tensor {
    return integratedSlope(this.engine, this.layer.activation, this.engine.matMul(features, this.#into), points);
  }

  /**
   * Adds the squares of (L diag(a') R + constant), times the features where they are given, over the samples of a chunk.
   * @param slope a' [n, h] @param features [n, r], or null for the Jacobian alone
   */
  async add(slope: Tensor, features: Tensor | null): Promise<void> {
    const { engine } = this;
    const squares = engine.tidy(() => {
      const jacobians = this.#jacobians(slope);
      if (features === null) return engine.sumOfSquares(jacobians, [0]);
      const [samples, inputs] = features.shape as [number, number];
      const factors = engine.reshape(features, this.#stacksOutputs ? [samples, 1, inputs] : [samples, inputs, 1]);
      return engine.sumOfSquares(engine.mul(jacobians, factors), [0]);
    });
    accumulate(this.#sums, await engine.read(squares));
    engine.dispose(squares);
  }

  /** The sums divided by `count`, [r', r]; nothing can be added afterwards. */
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

/** E [r', r] (method section 3.1) */
export async function edgesThroughHidden(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  let edges: Matrix | null = null;
  for (const part of outputParts(task.section.engine, layer, task.memoryBudget)) {
    const some = await edgesToOutputs({ ...task, progress: (fraction) => task.progress(part.overall(fraction)) }, part.layer);
    if (part.isWhole) return some;
    edges ??= matrix(layer.outOf.cols, layer.into.rows);
    place(edges, some, part.first, 0);
  }
  return edges ?? matrix(0, layer.into.rows);
}

async function edgesToOutputs(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const products = new GatedProducts(engine, layer);
  const C = toTensor(engine, task.features.C);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, valuesPerRow(layer, layer.outOf.cols), task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [features, slope] = engine.tidy(() => {
      const z = engine.matMul(x, C);
      return [z, products.slopes(z, task.points)] as const;
    });
    await products.add(slope, features);
    engine.dispose(features, slope);
    rows += x.shape[0];
  }), task.progress);
  engine.dispose(C);
  products.dispose();
  return products.mean(rows);
}

/** slope [n, h], rows [p, h] -> [n p, h]: row (n, p) is slope_n times rows_p. */
function scaledRows(engine: Engine, slope: Tensor, rows: Tensor): Tensor {
  const [samples, hidden] = slope.shape as [number, number];
  const count = rows.shape[0];
  const product = engine.mul(engine.reshape(slope, [samples, 1, hidden]), engine.reshape(rows, [1, count, hidden]));
  return engine.reshape(product, [samples * count, hidden]);
}
