/** @file Chooses the cheapest of the exact ways to the edges through a layer of activations. */

import type { Matrix } from "../../../linalg/matrix";
import type { EdgesTask } from "../../plans/sectionPlan";
import { costOf } from "./arithmetic";
import { canUseFiringPairs, edgesByFiringPairs, firingPairBytes, firingPairCost } from "./firingPairs";
import type { HiddenLayer } from "./hiddenLayer";
import { contractionCost } from "./pairMoments";
import { edgesToSingleNeurons, singleNeuronCost, singleNeurons } from "./singleNeurons";
import { edgesBySlopePairs, slopePairBytes, slopePairCost } from "./slopePairs";
import { cheapestWay, edgesBySquaredJacobians } from "./squaredJacobians";

/** E [r', r] (method section 3.1) */
export function edgesOfHidden(task: EdgesTask, layer: HiddenLayer): Promise<Matrix> {
  const { engine } = task.section;
  const most = task.memoryBudget / 4;
  const rows = task.activations.samples * task.activations.positions;
  const atTheEnd = costOf(contractionCost(layer)) / rows;
  const squared = cheapestWay(task, layer);
  const ways = [{ cost: squared.cost, run: (): Promise<Matrix> => edgesBySquaredJacobians(task, layer, squared) }];
  if (slopePairBytes(layer) <= most) ways.push({ cost: costOf(slopePairCost(layer, engine, rows)) + atTheEnd, run: () => edgesBySlopePairs(task, layer) });
  if (canUseFiringPairs(task, layer) && firingPairBytes(layer) <= most) ways.push({ cost: costOf(firingPairCost(layer, engine, rows)) + atTheEnd, run: () => edgesByFiringPairs(task, layer) });
  const neurons = singleNeurons(layer);
  if (neurons !== null) ways.push({ cost: costOf(singleNeuronCost(layer)), run: () => edgesToSingleNeurons(task, layer, neurons) });
  return ways.reduce((best, way) => (way.cost < best.cost ? way : best)).run();
}
