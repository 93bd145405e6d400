/** @file Modules of a stored result's interaction graph (method section 4.5). */

import type { EdgeNorm } from "../core/lib/clustering/edgeNorms";
import { featureGraph, findModules, type ModuleOptions } from "../core/lib/clustering/modules";
import { moduleCount, searchResolution, shuffleTest, stability, type ShuffleTest, type Stability } from "../core/lib/clustering/moduleTests";
import { leiden } from "../core/lib/clustering/leiden";
import type { Matrix } from "../core/linalg/matrix";
import { resultTensorName, type ResultMetadata } from "../protocol/result";
import type { ModelFile } from "../formats/modelFile";
import { InputError } from "./errors";
import { readMatrix, withResult } from "./store/resultFile";

export interface ResultModules {
  /** Newman's modularity at resolution 1. */
  modularity: number;
  /** Share of the summed size of all edges, before the norm, that stays inside clusters; the constant features left out. */
  edgesInside: number;
  /** Largest first; a feature without edges is a cluster of its own. */
  clusters: { layer: string; index: number }[][];
  /** Resolution of the clusters. */
  gamma: number;
  norm: EdgeNorm;
  /** Share of a section's edge weight, after the norm, inside clusters. */
  sections: { from: string; to: string; inside: number; epsilon?: number }[];
  stability?: Stability;
  permutation?: ShuffleTest;
}

export interface ModuleStudy {
  basis?: "lib" | "pca";
  /** "sqrt" when absent. */
  norm?: EdgeNorm;
  /** For the logarithmic norms: one for all sections, or by the name of the layer that a section starts at. */
  epsilon?: number | Readonly<Record<string, number>>;
  /** Wanted number of clusters of more than one feature: the resolution is searched around the given one. */
  clusters?: number;
  /** The components of an un-rotated output become one node of the graph. */
  mergeOutput?: boolean;
  /** Further seeds to compare with; 0 for none. */
  seeds?: number;
  /** Shuffled graphs to compare with; 0 for none. */
  shuffles?: number;
}

/**
 * Leiden clusters of the features of all node layers that have a basis; the constant features stay alone.
 * @param resolution larger gives more and smaller clusters
 * @throws InputError when the result holds no two neighbouring layers with features, or no resolution gives the wanted number.
 */
export function modulesOfResult(file: string, resolution: number, study: ModuleStudy = {}, checkCancelled: () => void = () => undefined): Promise<ResultModules> {
  return withResult(file, async (opened, metadata) => {
    const { layers, sections, spec } = metadata;
    const { edges, merged } = await graphEdges(opened, metadata, study);
    if (edges.length === 0) throw new InputError(`${file} has no two neighbouring node layers with features: name at least two before "output" in "nodeLayers".`);
    const norm = study.norm ?? "sqrt";
    const used = sections.slice(0, edges.length);
    const epsilons = used.map(({ from }) => (typeof study.epsilon === "object" ? study.epsilon[from] : study.epsilon) ?? 0);
    const seed = spec.seed ?? 0;
    const options: ModuleOptions = { norm, resolution, seed, constantFirst: spec.basis?.center ?? true, mergeOutput: merged, ...(norm.endsWith("log") ? { epsilons } : {}) };
    const { graph } = featureGraph(edges, options);
    if (study.clusters !== undefined) {
      const found = searchResolution(graph, study.clusters, resolution, seed, checkCancelled);
      if (!found) {
        throw new InputError(`No resolution around ${resolution} gives ${study.clusters} clusters; at ${resolution} there are ${moduleCount(leiden(graph, options))}. Ask for another number, or start the search at another --gamma.`);
      }
      options.resolution = found.resolution;
      options.seed = found.seed;
    }
    const found = findModules(edges, options);
    return {
      modularity: found.modularity,
      edgesInside: found.edgesInside,
      clusters: found.clusters.map((cluster) => cluster.map(({ layer, index }) => ({ layer: layers[layer]!.name, index }))),
      gamma: options.resolution ?? resolution,
      norm,
      sections: used.map(({ from, to }, index) => ({ from, to, inside: found.inside[index]!, ...(options.epsilons ? { epsilon: options.epsilons[index]! } : {}) })),
      ...(study.seeds ? { stability: stability(graph, options.resolution ?? resolution, seed, study.seeds, checkCancelled) } : {}),
      ...(study.shuffles ? { permutation: shuffleTest(edges, options, found.modularity, study.shuffles, checkCancelled) } : {}),
    };
  });
}

/** Edges of the sections of the graph, in order, and whether the last of them leads to an output that is merged. */
async function graphEdges(opened: ModelFile, { layers, sections }: ResultMetadata, study: ModuleStudy): Promise<{ edges: Matrix[]; merged: boolean }> {
  const edges: Matrix[] = [];
  for (const { index } of sections) {
    // Logits of an un-rotated output are no features.
    const isOutput = layers[index + 1]!.kept === 0;
    if (isOutput && !study.mergeOutput) break;
    const name = study.basis === "pca" ? resultTensorName.edgesPca(index) : resultTensorName.edges(index);
    const section = await readMatrix(opened, name);
    if (!section) throw new InputError(`The result holds no ${study.basis ?? "lib"} edges from ${sections[index]!.from}: analyse with "basis.formula": "jacobian".`);
    edges.push(section);
    if (isOutput) return { edges, merged: true };
  }
  return { edges, merged: false };
}
