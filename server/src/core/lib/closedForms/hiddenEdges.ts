/** @file Chooses the cheapest of the three exact ways to the edges through a layer of activations. */

import type { Matrix } from "../../linalg/matrix";
import type { EdgesTask } from "../plans/sectionPlan";
import { canUseFiringPairs, edgesByFiringPairs, firingPairBytes, firingPairCost } from "./firingPairs";
import { contractionCost } from "./pairMoments";
import { edgesThroughHidden, type HiddenLayer } from "./scaledProducts";
import { edgesBySlopePairs, slopePairBytes, slopePairCost } from "./slopePairs";

/** One pass over a number costs about as much as this many operations of a matrix product: 0.6 ns at 110 GFLOP/s (docs/backends.md). */
const operationsPerPass = 70;

const cost = ({ products, passes }: { products: number; passes: number }): number => products + operationsPerPass * passes;

/** Per sample: one product of the stacked side, which is written first, and a square for every edge. */
function scaledProductCost({ into, outOf }: HiddenLayer): { products: number; passes: number } {
  const [inputs, hidden, outputs] = [into.rows, into.cols, outOf.cols];
  return { products: 2 * inputs * hidden * outputs, passes: Math.min(inputs, outputs) * hidden + 3 * inputs * outputs };
}

/** E [r', r] (method section 3.1) */
export function edgesOfHidden(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const most = task.memoryBudget / 4;
  const rows = task.activations.samples * task.activations.positions;
  const atTheEnd = cost(contractionCost(layer)) / rows;
  const ways = [{ cost: cost(scaledProductCost(layer)), run: edgesThroughHidden }];
  if (slopePairBytes(layer) <= most) ways.push({ cost: cost(slopePairCost(layer, engine, rows)) + atTheEnd, run: edgesBySlopePairs });
  if (canUseFiringPairs(task, layer) && firingPairBytes(layer) <= most) ways.push({ cost: cost(firingPairCost(layer, engine, rows)) + atTheEnd, run: edgesByFiringPairs });
  return ways.reduce((best, way) => (way.cost < best.cost ? way : best)).run(task, layer);
}
