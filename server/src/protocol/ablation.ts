/** @file What removing features or edges does to the score of the model: curves, as they are stored beside a result and drawn. */

import type { BasisName } from "./result";

/** "nodes": features of a node layer are removed (method 4.2); "edges": edges of a section (method 4.3). */
export type AblationTarget = "nodes" | "edges";

/** One node layer, or one section named after the layer that it starts at, in one basis. */
export interface AblationCurve {
  what: AblationTarget;
  basis: BasisName;
  layer: string;
  metric: "accuracy" | "ce-loss";
  /** Score of the untouched model. */
  base: number;
  /** Loss of score that still counts as kept. */
  tolerance: number;
  /** Sorted by the number of features or edges that are kept. */
  points: [kept: number, score: number][];
  /** Features or edges that keep the score. */
  needed: number;
  /** All that the schedule counted over: the width of the layer, or the edges of the section. */
  total: number;
}

/** Bases whose features have edges of their own in a result. */
export type ModuleBasis = Exclude<BasisName, "neuron">;

/** Groups of features that interact among themselves, for a view. */
export interface ModuleNumbers {
  /** Newman's modularity at resolution 1. */
  modularity: number;
  /** Share of the summed size of all edges that stays inside modules; the constant features left out. */
  edgesInside: number;
  /** By node layer: the module of every feature, 0 for the largest; -1 for a feature that is alone. Empty for a layer without features. */
  layers: number[][];
}
