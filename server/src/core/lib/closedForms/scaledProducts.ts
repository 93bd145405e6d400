/**
 * @file Edges through one layer of elementwise activations: per sample A = diag(f_hat) (L diag(a') R + constant), where
 * L = C_pinv A leads from the features into the layer and R from there to the next features (method section 3.6). The smaller
 * outer side is stacked with the samples, so that a chunk is one large matrix product.
 */

import type { Engine, Tensor } from "../../../engine/engine";
import { transpose } from "../../linalg/arrange";
import type { Matrix } from "../../linalg/matrix";
import type { ActivationFunction } from "../../network/activationFunction";
import type { IntegrationPoint } from "../integration";
import type { EdgesTask } from "../sectionPlan";
import { asRows, forEachChunk } from "./chunks";
import { toTensor } from "./matrices";
import { integratedSlope } from "./slopes";
import { SquareSums, type AttributionOrder } from "./squareSums";

export interface HiddenLayer {
  /** L [r, h]: features to pre-activations. */
  readonly into: Matrix;
  readonly activation: ActivationFunction;
  /** R [h, r']: activations to features of the next layer. */
  readonly outOf: Matrix;
  /** [r, r']: what by-passes the layer; null for nothing. */
  readonly constant: Matrix | null;
}

/** A hidden layer on the engine, with the side that is stacked with the samples. */
export class GatedProducts {
  readonly order: AttributionOrder;
  /** What by-passes the layer, in the order of the products. */
  readonly constant: Matrix | null;
  /** Numbers that the products of one sample take, temporaries included. */
  readonly valuesPerRow: number;
  readonly #into: Tensor;
  readonly #outOf: Tensor;
  readonly #stacked: Tensor;

  constructor(private readonly engine: Engine, private readonly layer: HiddenLayer) {
    const { rows: inputs, cols: hidden } = layer.into;
    const outputs = layer.outOf.cols;
    this.order = outputs <= inputs ? "out,in" : "in,out";
    this.constant = layer.constant && (this.order === "out,in" ? transpose(layer.constant) : layer.constant);
    this.valuesPerRow = Math.min(inputs, outputs) * hidden + inputs * outputs + 3 * hidden + 2 * inputs;
    this.#into = toTensor(engine, layer.into);
    this.#outOf = toTensor(engine, layer.outOf);
    this.#stacked = this.order === "out,in" ? engine.transpose(this.#outOf, [1, 0]) : this.#into;
  }

  /** Features [n, r] -> integrated slopes [n, h]. */
  slopes(features: Tensor, points: readonly IntegrationPoint[]): Tensor {
    return integratedSlope(this.engine, this.layer.activation, this.engine.matMul(features, this.#into), points);
  }

  /** L diag(a') R for slopes [n, h]: [n, r', r] or [n, r, r'] as `order` says, first two axes joined. */
  products(slope: Tensor): Tensor {
    const { engine } = this;
    const gated = scaledRows(engine, slope, this.#stacked);
    return this.order === "out,in" ? engine.matMul(gated, this.#into, { transposeB: true }) : engine.matMul(gated, this.#outOf);
  }

  squareSums(): SquareSums {
    return new SquareSums(this.layer.outOf.cols, this.layer.into.rows, this.order);
  }

  dispose(): void {
    this.engine.dispose(this.#into, this.#outOf, this.#stacked);
  }
}

/** E [r', r] (method section 3.1) */
export async function edgesThroughHidden(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const hidden = new GatedProducts(engine, layer);
  const sums = hidden.squareSums();
  const C = toTensor(engine, task.features.C);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachChunk(engine, batch, hidden.valuesPerRow * batch.shape[1], task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [features, jacobians] = engine.tidy(() => {
      const z = engine.matMul(asRows(engine, x), C);
      return [z, hidden.products(hidden.slopes(z, task.points))] as const;
    });
    const jacobianValues = await engine.read(jacobians);
    const featureValues = await engine.read(features);
    engine.dispose(features, jacobians);
    sums.addScaled(jacobianValues, featureValues, hidden.constant);
    rows += x.shape[0] * x.shape[1];
  }), task.progress);
  engine.dispose(C);
  hidden.dispose();
  return sums.mean(rows);
}

/** slope [n, h], rows [p, h] -> [n p, h]: row (n, p) is slope_n times rows_p. */
function scaledRows(engine: Engine, slope: Tensor, rows: Tensor): Tensor {
  const [samples, hidden] = slope.shape as [number, number];
  const count = rows.shape[0];
  const product = engine.mul(engine.reshape(slope, [samples, 1, hidden]), engine.reshape(rows, [1, count, hidden]));
  return engine.reshape(product, [samples * count, hidden]);
}
