/** @file Sums of squared Jacobian entries through a hidden layer, sample by sample, in the cheaper of two ways; and edges from them. */

import type { Engine, Tensor } from "../../../../engine/engine";
import { place } from "../../../linalg/arrange";
import { matrix, type Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import type { IntegrationPoint } from "../../sources/integration";
import { forEachRows } from "../chunks";
import { toTensor } from "../matrices";
import { costOf } from "./arithmetic";
import { canUseFiringSquares, FiringSquares, firingSquareCost } from "./firingSquares";
import type { HiddenLayer } from "./hiddenLayer";
import { outputParts, wholeLayer, type OutputPart } from "./outputParts";
import { GatedProducts, scaledProductCost } from "./scaledProducts";
import { integratedSlope } from "./slopes";

export interface SquaredJacobians {
  /** Numbers that the temporaries of one sample take, and multiplications (or what takes as long): they bound a chunk. */
  readonly valuesPerRow: number;
  readonly multiplicationsPerRow: number;
  /**
   * Adds the squares of (L diag(a') R + constant), times the features where they are given, over the samples of a chunk.
   * @param slope a' [n, h] @param features [n, r], or null for the Jacobian alone
   */
  add(slope: Tensor, features: Tensor | null): Promise<void>;
  /** The sums divided by `count`, [r', r]; nothing can be added afterwards. */
  mean(count: number): Matrix;
  dispose(): void;
}

export interface SquaredJacobianWay {
  /** Per sample, in operations of a matrix product. */
  readonly cost: number;
  /** Parts of the outputs that are done one after the other. */
  readonly parts: () => Iterable<OutputPart>;
  readonly open: (layer: HiddenLayer) => SquaredJacobians;
}

export const byProducts = (engine: Engine, layer: HiddenLayer, memoryBudget: number): SquaredJacobianWay => ({
  cost: costOf(scaledProductCost(layer)), parts: () => outputParts(engine, layer, memoryBudget), open: (part) => new GatedProducts(engine, part),
});

/** null where engine or activation do not allow it. @param samples N, positions included */
export const byTables = (engine: Engine, layer: HiddenLayer, points: readonly IntegrationPoint[], samples: number): SquaredJacobianWay | null => (
  canUseFiringSquares(engine, layer, points)
    ? { cost: costOf(firingSquareCost(layer, engine, samples)), parts: () => [wholeLayer(layer)], open: (part) => new FiringSquares(engine, part, points) }
    : null
);

export function cheapestWay({ section, activations, points, memoryBudget }: EdgesTask, layer: HiddenLayer): SquaredJacobianWay {
  const products = byProducts(section.engine, layer, memoryBudget);
  const tables = byTables(section.engine, layer, points, activations.samples * activations.positions);
  return tables !== null && tables.cost < products.cost ? tables : products;
}

/** E [r', r] (method section 3.1) */
export async function edgesBySquaredJacobians(task: EdgesTask, layer: HiddenLayer, way = cheapestWay(task, layer)): Promise<Matrix> {
  const edges = matrix(layer.outOf.cols, layer.into.rows);
  for (const part of way.parts()) {
    place(edges, await edgesToOutputs({ ...task, progress: (fraction) => task.progress(part.overall(fraction)) }, part.layer, way.open(part.layer)), part.first, 0);
  }
  return edges;
}

async function edgesToOutputs(task: EdgesTask, layer: HiddenLayer, squares: SquaredJacobians): Promise<Matrix> {
  const { engine } = task.section;
  const C = toTensor(engine, task.features.C);
  const into = toTensor(engine, layer.into);
  let rows = 0;
  await task.activations.forEachBatch((batch) => forEachRows(engine, batch, squares.valuesPerRow, task.memoryBudget, async (x) => {
    task.checkCancelled();
    const [features, slope] = engine.tidy(() => {
      const z = engine.matMul(x, C);
      return [z, integratedSlope(engine, layer.activation, engine.matMul(z, into), task.points)] as const;
    });
    await squares.add(slope, features);
    engine.dispose(features, slope);
    rows += x.shape[0];
  }, squares.multiplicationsPerRow), task.progress);
  engine.dispose(C, into);
  squares.dispose();
  return squares.mean(rows);
}
