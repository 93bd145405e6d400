/** @file Modules of a stored result's interaction graph (method section 4.5). */

import { findModules } from "../core/lib/clustering/modules";
import type { Matrix } from "../core/linalg/matrix";
import { resultTensorName } from "../protocol/result";
import { InputError } from "./errors";
import { readMatrix, withResult } from "./store/resultFile";

export interface ResultModules {
  /** Newman's modularity at resolution 1. */
  modularity: number;
  /** Largest first; a feature without edges is a cluster of its own. */
  clusters: { layer: string; index: number }[][];
}

/**
 * Leiden clusters of the LIB features of all node layers that have a basis, edges weighted by their square root; the constant
 * features stay alone.
 * @param resolution larger gives more and smaller clusters
 * @throws InputError when the result holds no two neighbouring layers with features.
 */
export function modulesOfResult(file: string, resolution: number): Promise<ResultModules> {
  return withResult(file, async (opened, { layers, sections, spec }) => {
    const edges: Matrix[] = [];
    for (const { index } of sections) {
      // Logits of an un-rotated output are no features.
      if (layers[index + 1]!.kept === 0) break;
      const section = await readMatrix(opened, resultTensorName.edges(index));
      if (section) edges.push(section);
    }
    if (edges.length === 0) throw new InputError(`${file} has no two neighbouring node layers with features: name at least two before "output" in "nodeLayers".`);
    const found = findModules(edges, { norm: "sqrt", resolution, seed: spec.seed ?? 0, constantFirst: spec.basis?.center ?? true });
    return {
      modularity: found.modularity,
      clusters: found.clusters.map((cluster) => cluster.map(({ layer, index }) => ({ layer: layers[layer]!.name, index }))),
    };
  });
}
